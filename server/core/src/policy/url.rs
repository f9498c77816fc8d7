//! URLs, read as browsers and HTTP clients read them.

use url::{Host, Url};

/// Where a URL leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The host in its one spelling, and other spellings of the same machine.
    pub(crate) hosts: Vec<String>,
    /// Why another reader might go elsewhere, if so.
    pub(crate) doubt: Option<&'static str>,
}

/// Reads a URL; one that cannot be read leads to nowhere known.
pub(crate) fn destination(text: &str) -> Destination {
    let Ok(url) = Url::parse(text) else {
        return Destination { hosts: Vec::new(), doubt: Some("a URL that cannot be read") };
    };
    let mut hosts: Vec<String> = url.host().map(|host| spellings(&host)).unwrap_or_default();
    // A scheme that this reader does not know leaves its host as it was written.
    if let Some(again) = hosts.first().and_then(|host| Url::parse(&format!("http://{host}/")).ok())
    {
        hosts.extend(again.host().map(|host| spellings(&host)).unwrap_or_default());
        hosts.dedup();
    }
    Destination { doubt: doubt(text, &url, &hosts), hosts }
}

fn doubt(text: &str, url: &Url, hosts: &[String]) -> Option<&'static str> {
    if hosts.is_empty() || !matches!(url.scheme(), "http" | "https") {
        return Some("a URL that is not of the web");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Some("a URL with a user name");
    }
    if !authority(text).is_ascii() {
        return Some("a host that is not ASCII");
    }
    let odd = |c: char| c == '\\' || c.is_whitespace() || c.is_control();
    (text.contains(odd) || authority(text).contains('%')).then_some("a URL with odd characters")
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

fn spellings(host: &Host<&str>) -> Vec<String> {
    match host {
        Host::Domain(name) => vec![host_name(name)],
        Host::Ipv4(address) => vec![address.to_string()],
        Host::Ipv6(address) => {
            let mut all = vec![format!("[{address}]"), address.to_string()];
            all.extend(address.to_ipv4().map(|inside| inside.to_string()));
            all
        }
    }
}

fn host_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A domain of a rule in the spelling that hosts have.
pub(crate) fn domain_pattern(text: &str) -> Result<String, String> {
    let (star, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    if text == "*" {
        return Ok(text.to_owned());
    }
    let found = destination(&format!("http://{name}/"));
    let is_plain = !name.is_empty() && !name.contains(['/', '*', '@', '?', '#', ' ']);
    match found.hosts.first() {
        Some(host) if is_plain => Ok(format!("{star}{host}")),
        Some(_) | None => Err(format!("'{text}' is no domain")),
    }
}

/// Whether a rule's domain names a host.
pub(crate) fn names(domain: &str, host: &str) -> bool {
    if domain == "*" {
        return true;
    }
    domain.strip_prefix("*.").map_or_else(
        || domain == host,
        |parent| host.strip_suffix(parent).is_some_and(|front| front.ends_with('.')),
    )
}

/// The URLs and, where a program takes bare hosts, the hosts in one word of a command.
pub(crate) fn hosts_in(word: &str, bare: BareHosts) -> Vec<Destination> {
    let mut found = Vec::new();
    for (at, _) in word.match_indices("://") {
        let start = word[..at]
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .map_or(0, |before| before + word[before..].chars().next().map_or(1, char::len_utf8));
        found.push(destination(&word[start..]));
        // In text of a program the address ends before its quote.
        let is_end = |c: char| c.is_whitespace() || "'\"`()<>;,\\".contains(c);
        if let Some(end) = word[start..].find(is_end) {
            found.push(destination(&word[start..start + end]));
        }
    }
    if bare == BareHosts::Count && found.is_empty() {
        // `user@host:path`, `--proxy=host:80`, `::host:443`: each part may be a host.
        let option = word.starts_with('-');
        if !option {
            found.push(destination(&format!("http://{word}")));
        }
        let parts = word.split(['=', ':', '@', ',']).skip(usize::from(option)).take(16);
        let hosts = parts.filter(|part| part.contains('.') || !option && !part.is_empty());
        found.extend(hosts.map(|host| destination(&format!("http://{host}/"))));
    }
    found
}

/// Whether a program takes a word without a scheme for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareHosts {
    Count,
    DoNotCount,
}
