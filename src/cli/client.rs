//! Calls to the API of a running gateway: who calls, and what a refusal says.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Body, RequestBuilder};

use super::Failure;
use crate::cli::http::Trust;
use crate::cli::url;
use crate::config::{APPLICATION_KEY, PASSWORD};

/// Where the gateway is, and who calls.
#[derive(Debug, Args)]
pub(super) struct Connection {
    /// Address of the gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Tenant; may be left out without a key, where the user's name tells it
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Environment, where the tenant has any
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// User
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Key of an application of the tenant, of kind dnis; everybody on the machine sees it here, so rather set
    /// DNIS_GATEWAY_APPLICATION_KEY. Without a key, the user calls by Basic authentication
    #[arg(long, value_name = "KEY", requires = "tenant")]
    application_key: Option<String>,
    #[command(flatten)]
    trust: Trust,
}

/// A caller that is ready to call.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Connection {
    /// Makes the caller; asks for the password if it has to.
    pub(super) fn open(&self) -> Result<Client, Failure> {
        let base = url::base(&self.url).map_err(Failure::Usage)?;
        let agent = self.trust.agent(base, |config| config.timeout_connect(Some(Duration::from_secs(10))))?;
        let key = self.key()?;
        let password = password()?;
        let base = format!("{base}/gateway/v1");
        Ok(Client { agent, base, headers: self.headers(key.as_deref(), &password) })
    }

    /// The application's key, from the command line or the environment.
    fn key(&self) -> Result<Option<String>, Failure> {
        let key = match &self.application_key {
            Some(key) => Some(key.clone()),
            None => variable(APPLICATION_KEY)?,
        };
        match (&key, &self.tenant) {
            (Some(_), None) => {
                Err(Failure::Usage(format!("{APPLICATION_KEY} is the key of a tenant: add --tenant ID")))
            }
            _ => Ok(key),
        }
    }

    fn headers(&self, key: Option<&str>, password: &SecretString) -> Vec<(&'static str, String)> {
        let password = password.expose_secret();
        let mut headers = match (&self.tenant, key) {
            (Some(tenant), Some(key)) => vec![
                ("Tenant-Id", tenant.clone()),
                ("Application-Key", key.to_owned()),
                ("User-Id", STANDARD.encode(&self.user)),
                ("User-Password", STANDARD.encode(password)),
            ],
            (tenant, _) => {
                let basic = STANDARD.encode(format!("{}:{password}", self.user));
                let tenant = tenant.clone().map(|tenant| ("Tenant-Id", tenant));
                [("Authorization", format!("Basic {basic}"))].into_iter().chain(tenant).collect()
            }
        };
        headers.extend(self.environment.clone().map(|name| ("Environment-Name", name)));
        headers
    }
}

/// The password, from the environment or from whoever sits at the terminal.
fn password() -> Result<SecretString, Failure> {
    match variable(PASSWORD)? {
        Some(password) => Ok(password.into()),
        None => {
            let asked = rpassword::prompt_password("Password: ");
            let told = |error: io::Error| format!("set {PASSWORD}, or run this on a terminal that can ask: {error}");
            Ok(asked.map_err(|error| Failure::Usage(told(error)))?.into())
        }
    }
}

/// The text of an environment variable, if it is set.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::Usage(format!("{name} must be UTF-8 text"))),
    }
}

impl Client {
    /// A GET of a path below the API's prefix.
    pub(super) fn get(&self, path: &str) -> Result<Response<Body>, Failure> {
        let request = self.with_headers(self.agent.get(format!("{}{path}", self.base)));
        accepted(request.call().map_err(|error| self.unreachable(&error))?)
    }

    /// A GET of a JSON value.
    pub(super) fn json(&self, path: &str) -> Result<Value, Failure> {
        json(&mut self.get(path)?)
    }

    /// A POST whose body is read from `body` while it is sent. The answer may be a refusal.
    pub(super) fn post(&self, path: &str, media_type: &str, body: impl io::Read) -> Result<Response<Body>, Failure> {
        let request = self.with_headers(self.agent.post(format!("{}{path}", self.base)));
        let request = request.header("Content-Type", media_type);
        let mut body = body;
        request.send(ureq::SendBody::from_reader(&mut body)).map_err(|error| self.unreachable(&error))
    }

    fn with_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::Operation(format!("{}: {error}", self.base))
    }
}

/// The answer, if it is no refusal.
pub(super) fn accepted(mut answer: Response<Body>) -> Result<Response<Body>, Failure> {
    if answer.status().is_success() { Ok(answer) } else { Err(refusal(&mut answer)) }
}

/// The JSON value of an answer.
pub(super) fn json(answer: &mut Response<Body>) -> Result<Value, Failure> {
    let text = answer.body_mut().read_to_string();
    let text = text.map_err(|error| Failure::Operation(format!("the answer broke off: {error}")))?;
    serde_json::from_str(&text).map_err(|_| Failure::Operation("the answer is no JSON; is this a gateway?".to_owned()))
}

/// What an answer says that refuses.
fn refusal(answer: &mut Response<Body>) -> Failure {
    let status = answer.status();
    let said = match json(answer) {
        Ok(problem) => told(&problem),
        Err(_) => None,
    };
    Failure::Operation(said.unwrap_or_else(|| format!("the gateway answered {status}")))
}

/// What a problem says.
pub(super) fn told(problem: &Value) -> Option<String> {
    Some(format!("{}: {}", problem["title"].as_str()?, problem["detail"].as_str()?))
}
