//! FTP (RFC 959, 2428) and FTPS (RFC 4217): passive mode, binary, data connections only to the server itself.

use std::time::Duration;

use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream};
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
    let mut stream = in_time(ftp.retr_as_stream(path)).await.map_err(missing)?;
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

async fn connect(place: &Place, options: &Options) -> Result<AsyncRustlsFtpStream, FetchError> {
    let all = addresses(place).await?;
    let secure = place.scheme() == Scheme::Ftps;
    let connector = || {
        let config = options.tls.client_config().map_err(|error| FetchError::Refused(error.to_string()))?;
        Ok::<_, FetchError>(AsyncRustlsConnector::from(TlsConnector::from(config)))
    };
    let mut ftp = if secure && place.port() == IMPLICIT_PORT {
        let open = AsyncRustlsFtpStream::connect_secure_implicit(all.as_slice(), connector()?, place.host());
        let mut ftp = in_time(open).await?;
        // RFC 4217 §8: without them the files themselves would go unprotected.
        in_time(ftp.custom_command("PBSZ 0", &[Status::CommandOk])).await?;
        in_time(ftp.custom_command("PROT P", &[Status::CommandOk])).await?;
        ftp
    } else {
        let ftp = in_time(AsyncRustlsFtpStream::connect(all.as_slice())).await?;
        if secure { in_time(ftp.into_secure(connector()?, place.host())).await? } else { ftp }
    };
    // Neither way takes an address from the server's mouth: a data connection goes where the commands go.
    match all.first().is_some_and(std::net::SocketAddr::is_ipv6) {
        true => ftp.set_mode(Mode::ExtendedPassive),
        false => ftp.set_passive_nat_workaround(true),
    }
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
