//! nginx in front of the gateway's external port, with TLS by an authority made for the test.

use std::{path::PathBuf, process::Command, time::Duration};

use agentport_tests::{process::Process, programs, within};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The host of the external URL. Nothing resolves it; clients are told where it is.
pub(super) const HOST: &str = "agents.example.com";

const START_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct ReverseProxy {
    process: Process,
    directory: tempfile::TempDir,
    port: u16,
}

impl ReverseProxy {
    /// Serves `https://agents.example.com:<port>` and passes requests on to `upstream` on loopback.
    pub(super) async fn start(port: u16, upstream: u16) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let proxy = directory.path();
        write_certificates(proxy);
        let at = proxy.display();
        let configuration = format!(
            "daemon off;\npid {at}/pid;\nerror_log {at}/error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\n\
             access_log off;\nclient_body_temp_path {at}/body;\nproxy_temp_path {at}/proxy;\n\
             fastcgi_temp_path {at}/fastcgi;\nuwsgi_temp_path {at}/uwsgi;\nscgi_temp_path {at}/scgi;\n\
             server {{\nlisten 127.0.0.1:{port} ssl;\nserver_name {HOST};\n\
             ssl_certificate {at}/server.pem;\nssl_certificate_key {at}/server.key;\n\
             location / {{\nproxy_pass http://127.0.0.1:{upstream};\nproxy_http_version 1.1;\n\
             proxy_set_header Host $http_host;\nproxy_set_header Connection \"\";\nproxy_buffering off;\n\
             proxy_read_timeout 1h;\n}}\n}}\n}}\n"
        );
        std::fs::write(proxy.join("nginx.conf"), configuration).expect("a file");
        let mut command = Command::new(programs::nginx());
        command.arg("-c").arg(proxy.join("nginx.conf")).arg("-p").arg(proxy);
        command.arg("-e").arg(proxy.join("error.log"));
        let process = Process::start(command, &proxy.join("stderr"));
        let listening = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        within(START_TIMEOUT, "nginx to listen", listening).await;
        Self { process, directory, port }
    }

    /// The certificate that clients have to trust.
    pub(super) fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// A client that finds the host and trusts the authority. It follows no redirect.
    pub(super) fn client(&self) -> reqwest::Client {
        let pem = std::fs::read(self.authority()).expect("a certificate");
        reqwest::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_pem(&pem).expect("a certificate"))
            .resolve(HOST, ([127, 0, 0, 1], self.port).into())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client")
    }

    pub(super) async fn stop(self) {
        self.process.stop().await;
    }
}

fn write_certificates(directory: &std::path::Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Another name than that of the server's certificate, which would count as self-signed.
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let server_key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new([HOST.to_owned()])
        .and_then(|params| params.signed_by(&server_key, &authority))
        .expect("a certificate");
    for (name, pem) in [
        ("authority.pem", authority.pem()),
        ("server.pem", server.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        std::fs::write(directory.join(name), pem).expect("a file");
    }
}
