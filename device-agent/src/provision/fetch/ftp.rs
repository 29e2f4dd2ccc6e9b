//! FTP (RFC 959, 2428) and FTPS (RFC 4217): passive mode, binary, data connections only to the server itself.

use std::net::SocketAddr;
use std::time::Duration;

use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream, AsyncRustlsStream, TransferStream};
use suppaftp::tokio_rustls::TlsConnector;
use suppaftp::types::{FileType, Mode};
use suppaftp::{FtpError, FtpResult, Status};
use tokio::io::AsyncReadExt;

use super::super::place::{Place, Scheme};
use super::{FetchError, Growing, Options, SILENCE, addresses};

/// TLS from the first byte.
const IMPLICIT_PORT: u16 = 990;
/// For the word of thanks; nobody misses it.
const GOODBYE: Duration = Duration::from_secs(2);

pub(super) async fn fetch(place: &Place, options: &Options) -> Result<Vec<u8>, FetchError> {
    let texts = [&place.path(), &place.login.user, &place.login.password];
    if texts.iter().any(|text| text.contains(char::is_control)) {
        return Err(FetchError::Refused("its name, user or password has a control character".to_owned()));
    }
    let mut ftp = connect(place, options).await?;
    let login = match place.login.user.is_empty() {
        // What servers of public files take.
        true => ("anonymous", "phone@"),
        false => (place.login.user.as_str(), place.login.password.as_str()),
    };
    in_time(ftp.login(login.0, login.1)).await?;
    in_time(ftp.transfer_type(FileType::Binary)).await?;
    // Below the folder the login leads to, as RFC 1738 §3.2.2 has it; `%2F` in front of it makes it the server's own.
    let path = place.path();
    let path = path.strip_prefix('/').unwrap_or(&path);
    let mut stream = retrieve(&mut ftp, path).await?;
    let mut file = Growing::new(options)?;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await.map_err(|_| FetchError::silent())?;
        match read.map_err(|error| FetchError::Passing(format!("it broke off: {error}")))? {
            0 => break,
            read => file.add(buffer.get(..read).unwrap_or_default())?,
        }
    }
    // The server's last word tells a whole file from one that was cut off.
    in_time(stream.finish()).await?;
    let _ = tokio::time::timeout(GOODBYE, ftp.quit()).await;
    file.finish()
}

/// Opens a file. A server that has only the other of PASV and EPSV is asked in that way.
async fn retrieve(ftp: &mut AsyncRustlsFtpStream, path: &str) -> Result<TransferStream<AsyncRustlsStream>, FetchError> {
    let first = if speaks_six(ftp).await { Mode::ExtendedPassive } else { Mode::Passive };
    passive(ftp, first);
    match tokio::time::timeout(SILENCE, ftp.retr_as_stream(path)).await.map_err(|_| FetchError::silent())? {
        Err(FtpError::UnexpectedResponse(response)) if is_unknown(response.status.code()) => {
            passive(ftp, if first == Mode::Passive { Mode::ExtendedPassive } else { Mode::Passive });
            in_time(ftp.retr_as_stream(path)).await.map_err(missing)
        }
        opened => opened.map_err(|error| missing(failed(&error))),
    }
}

/// By the address that answered, not by the first of the server's name.
async fn speaks_six(ftp: &AsyncRustlsFtpStream) -> bool {
    ftp.get_ref().await.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_ipv6())
}

/// Neither way takes an address from the server's mouth: a data connection goes where the commands go.
fn passive(ftp: &mut AsyncRustlsFtpStream, mode: Mode) {
    ftp.set_mode(mode);
    ftp.set_passive_nat_workaround(true);
}

/// What servers say to a command they do not have (RFC 959 §4.2), or not for this network: 522 of RFC 2428 §2, which the
/// crate does not know and gives as 0.
const fn is_unknown(code: u32) -> bool {
    matches!(code, 0 | 500..=504)
}

async fn connect(place: &Place, options: &Options) -> Result<AsyncRustlsFtpStream, FetchError> {
    let mut ended = FetchError::silent();
    // One after the other, each with a time of its own: the first may be an IPv6 address that nothing comes back from.
    for address in addresses(place).await? {
        match open(place, address, options).await {
            Ok(ftp) => return Ok(ftp),
            Err(error) => ended = error,
        }
    }
    Err(ended)
}

async fn open(place: &Place, address: SocketAddr, options: &Options) -> Result<AsyncRustlsFtpStream, FetchError> {
    let secure = place.scheme() == Scheme::Ftps;
    let connector = || {
        let config = options.tls.client_config().map_err(|error| FetchError::Refused(error.to_string()))?;
        Ok::<_, FetchError>(AsyncRustlsConnector::from(TlsConnector::from(config)))
    };
    let ftp = if secure && place.port() == IMPLICIT_PORT {
        let open = AsyncRustlsFtpStream::connect_secure_implicit(address, connector()?, place.host());
        let mut ftp = in_time(open).await?;
        // RFC 4217 §8: without them the files themselves would go unprotected.
        in_time(ftp.custom_command("PBSZ 0", &[Status::CommandOk])).await?;
        in_time(ftp.custom_command("PROT P", &[Status::CommandOk])).await?;
        ftp
    } else {
        let ftp = in_time(AsyncRustlsFtpStream::connect(address)).await?;
        if secure { in_time(ftp.into_secure(connector()?, place.host())).await? } else { ftp }
    };
    Ok(ftp)
}

/// One command with its answer.
async fn in_time<R>(command: impl Future<Output = FtpResult<R>>) -> Result<R, FetchError> {
    match tokio::time::timeout(SILENCE, command).await {
        Ok(done) => done.map_err(|error| failed(&error)),
        Err(_) => Err(FetchError::silent()),
    }
}

fn failed(error: &FtpError) -> FetchError {
    match error {
        FtpError::UnexpectedResponse(response) => {
            let code = response.status.code();
            let text = format!("the server answered FTP {code}");
            match code {
                530 => FetchError::Refused(format!("{text}: it refuses the user or password")),
                // RFC 959 §4.2.1: the client may try again, or had better not.
                500..=599 => FetchError::Refused(text),
                _ => FetchError::Passing(text),
            }
        }
        FtpError::ConnectionError(error) => FetchError::io(error),
        FtpError::SecureError(why) => FetchError::Refused(format!("TLS: {}", short(why))),
        _ => FetchError::Refused("the server does not speak FTP as it should".to_owned()),
    }
}

/// 550 to RETR: not there, or not for this user; no server tells which.
fn missing(error: FetchError) -> FetchError {
    match error {
        FetchError::Refused(text) if text.ends_with("550") => FetchError::Missing,
        error => error,
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    /// One session of a server that has one of PASV and EPSV only. Gives the commands it heard.
    async fn session(stream: TcpStream, refuses: &str) -> Vec<String> {
        let data = TcpListener::bind((stream.local_addr().unwrap().ip(), 0)).await.unwrap();
        let port = data.local_addr().unwrap().port();
        let mut stream = BufReader::new(stream);
        let (mut heard, mut line) = (Vec::new(), String::new());
        stream.write_all(b"220 ready\r\n").await.unwrap();
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let word = line.split_whitespace().next().unwrap_or_default().to_owned();
            line.clear();
            let answer = match word.as_str() {
                word if word == refuses => "502 not implemented".to_owned(),
                "USER" => "331 who?".to_owned(),
                "PASS" => "230 welcome".to_owned(),
                "TYPE" => "200 yes".to_owned(),
                "PASV" => format!("227 Entering Passive Mode (192,0,2,1,{},{})", port / 256, port % 256),
                "EPSV" => format!("229 Entering Extended Passive Mode (|||{port}|)"),
                "RETR" => {
                    stream.write_all(b"150 here it comes\r\n").await.unwrap();
                    let (mut to, _) = data.accept().await.unwrap();
                    to.write_all(b"hotel.name=Grand").await.unwrap();
                    "226 done".to_owned()
                }
                _ => "221 bye".to_owned(),
            };
            heard.push(word);
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        heard
    }

    #[tokio::test]
    async fn a_server_with_one_passive_mode_only_gives_its_file() {
        for (address, refuses, other) in [("127.0.0.1", "PASV", "EPSV"), ("[::1]", "EPSV", "PASV")] {
            // Not every machine has IPv6.
            let Ok(server) = TcpListener::bind(format!("{address}:0")).await else {
                assert_ne!(refuses, "PASV", "IPv4 is everywhere");
                continue;
            };
            let port = server.local_addr().unwrap().port();
            let serves = tokio::spawn(async move { session(server.accept().await.unwrap().0, refuses).await });
            let place = Place::parse(&format!("ftp://{address}:{port}/cfg.xml"), Scheme::Ftp).unwrap();
            assert_eq!(fetch(&place, &Options::small()).await.unwrap(), b"hotel.name=Grand");
            let heard = serves.await.unwrap();
            assert_eq!(heard[3..6], [refuses, other, "RETR"], "{heard:?}");
        }
    }
}
