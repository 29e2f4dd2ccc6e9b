//! Servers from Debian, started in the foreground on loopback and ended with the value.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// A program that ends with this.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // With its workers.
        let _ = Command::new("kill").arg("--").arg(format!("-{}", self.child.id())).status();
        let _ = self.child.wait();
    }
}

/// Folder with the files, certificates and configurations.
pub struct Place {
    pub dir: TempDir,
    pub authority: Arc<[u8]>,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("files")).unwrap();
        // vsftpd shows files to nobody but a user without rights.
        open_to_all(dir.path(), 0o755);
        open_to_all(&dir.path().join("files"), 0o755);
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        for (file, name) in [("server", "127.0.0.1"), ("other", "somewhere.else")] {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = parameters.signed_by(&key, &authority).unwrap();
            let both = format!("{}{}", certificate.pem(), key.serialize_pem());
            std::fs::write(dir.path().join(format!("{file}.pem")), both).unwrap();
        }
        Self { authority: authority.pem().into_bytes().into(), dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path("files").join(name);
        std::fs::write(&path, bytes).unwrap();
        open_to_all(&path, 0o644);
    }

    fn configure(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let text = text.replace("@DIR@", &self.dir.path().display().to_string());
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `/` is open, `/basic/` wants phone:s3cret, `/moved/` leads to `/basic/`. With the certificate `certificate` it
    /// speaks TLS.
    pub fn nginx(&self, certificate: Option<&str>) -> Server {
        let port = free_port();
        let tls = certificate.map_or(String::new(), |name| {
            format!("ssl_certificate @DIR@/{name}.pem; ssl_certificate_key @DIR@/{name}.pem;")
        });
        let ssl = if certificate.is_some() { "ssl" } else { "" };
        std::fs::write(self.path("htpasswd"), "phone:{PLAIN}s3cret\n").unwrap();
        let config = self.configure(
            &format!("nginx-{port}.conf"),
            &format!(
                "daemon off; user root; worker_processes 1; pid @DIR@/nginx-{port}.pid; error_log @DIR@/nginx-error.log; events {{}}
                http {{ log_format phones '\"$request\" $status \"$http_user_agent\"'; access_log @DIR@/nginx.log phones;
                  client_body_temp_path @DIR@/t1; proxy_temp_path @DIR@/t2; fastcgi_temp_path @DIR@/t3;
                  uwsgi_temp_path @DIR@/t4; scgi_temp_path @DIR@/t5;
                  server {{ listen 127.0.0.1:{port} {ssl}; {tls} root @DIR@/files;
                    location /basic/ {{ alias @DIR@/files/; auth_basic phones; auth_basic_user_file @DIR@/htpasswd; }}
                    location /moved/ {{ rewrite ^/moved/(.*)$ /basic/$1 redirect; }}
                    location /away/ {{ return 302 http://localhost:{port}/basic/cfg.xml; }}
                    location /file/ {{ return 302 file:///etc/passwd; }} }} }}"
            ),
        );
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-e").arg(self.path("nginx-error.log")).arg("-p").arg(self.dir.path()).arg("-c").arg(config);
        start(nginx, port)
    }

    pub fn nginx_log(&self) -> String {
        std::fs::read_to_string(self.path("nginx.log")).unwrap_or_default()
    }

    /// Digest only: phone:s3cret.
    pub fn lighttpd(&self) -> Server {
        let port = free_port();
        let digest = Command::new("sh").args(["-c", "printf 'phone:phones:s3cret' | md5sum | cut -d' ' -f1"]).output();
        let digest = String::from_utf8(digest.unwrap().stdout).unwrap();
        std::fs::write(self.path("digest"), format!("phone:phones:{}\n", digest.trim())).unwrap();
        let config = self.configure(
            "lighttpd.conf",
            &format!(
                "server.document-root = \"@DIR@/files\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n\
                 server.modules = (\"mod_auth\", \"mod_authn_file\")\nauth.backend = \"htdigest\"\n\
                 auth.backend.htdigest.userfile = \"@DIR@/digest\"\n\
                 auth.require = (\"/\" => (\"method\" => \"digest\", \"realm\" => \"phones\", \"require\" => \"valid-user\"))\n"
            ),
        );
        let mut lighttpd = Command::new("/usr/sbin/lighttpd");
        lighttpd.arg("-D").arg("-f").arg(config);
        start(lighttpd, port)
    }

    /// Everybody may read as `anonymous` or `ftp`. `more`: lines of its configuration. On port 990 of `address` with TLS from the first byte.
    pub fn vsftpd(&self, address: &str, port: Option<u16>, more: &str) -> Server {
        let port = port.unwrap_or_else(free_port);
        std::fs::create_dir_all(self.path("empty")).unwrap();
        let config = self.configure(
            &format!("vsftpd-{port}.conf"),
            &format!(
                "listen=YES\nlisten_address={address}\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\n\
                 anon_root=@DIR@/files\nftp_username=daemon\nsecure_chroot_dir=@DIR@/empty\n\
                 pasv_address={address}\nseccomp_sandbox=NO\nxferlog_enable=NO\n{more}"
            ),
        );
        let mut vsftpd = Command::new("/usr/sbin/vsftpd");
        vsftpd.arg(config);
        start_at(vsftpd, address, port)
    }

    /// The lines for TLS, required for commands and files.
    pub const TLS: &str = "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n\
        rsa_cert_file=@DIR@/server.pem\nrsa_private_key_file=@DIR@/server.pem\nssl_ciphers=HIGH\n";

    /// The lines for a password: the user is `ftp`, the password s3cret.
    pub fn vsftpd_with_password(&self) -> Server {
        let list = self.configure("passwords", "s3cret\n");
        let list =
            format!("no_anon_password=NO\nsecure_email_list_enable=YES\nemail_password_file={}\n", list.display());
        self.vsftpd("127.0.0.1", None, &format!("{}{list}", Self::TLS))
    }

    pub fn tftpd(&self) -> Server {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut tftpd = Command::new("/usr/sbin/in.tftpd");
        tftpd.args(["--foreground", "--secure", "--user", "root", "--address"]).arg(format!("127.0.0.1:{port}"));
        tftpd.arg(self.path("files"));
        // A worker whose phone went away sends on in a session of its own for some seconds: it holds nothing of the test.
        let child =
            tftpd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap();
        // It is there when its port is taken.
        wait_for(|| UdpSocket::bind(("127.0.0.1", port)).is_err(), "tftpd");
        Server { child, port }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(command: Command, port: u16) -> Server {
    start_at(command, "127.0.0.1", port)
}

fn start_at(mut command: Command, address: &str, port: u16) -> Server {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).spawn();
    let child =
        child.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs what is missing"));
    let server = Server { child, port };
    wait_for(|| TcpStream::connect((address, port)).is_ok(), &format!("{command:?}"));
    server
}

fn wait_for(mut there: impl FnMut() -> bool, what: &str) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} did not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
