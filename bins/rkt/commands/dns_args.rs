//! The flags of `run` and `run-prepared` that say what `/etc/resolv.conf` and `/etc/hosts` of the apps hold.

use std::net::IpAddr;

use clap::Args;
use gantry_cli::Failure;
use gantry_pod::{ConfFiles, Hosts, ResolvConf};

/// Flags for name resolution in the pod.
#[derive(Args, Debug, Default)]
pub(crate) struct DnsArgs {
    /// Name servers for /etc/resolv.conf; host for the host's file, none for the image's whatever networks say
    #[arg(long, value_name = "IP,…|host|none")]
    dns: Vec<String>,
    /// Domain that short names are looked up in
    #[arg(long, value_name = "DOMAIN")]
    dns_search: Vec<String>,
    /// Option for /etc/resolv.conf
    #[arg(long, value_name = "OPTION")]
    dns_opt: Vec<String>,
    /// Domain of the pod
    #[arg(long, value_name = "DOMAIN")]
    dns_domain: Option<String>,
    /// Further lines for /etc/hosts, names of one address over several entries; host for the host's file
    #[arg(long, value_name = "IP=NAME,…|host")]
    hosts_entry: Vec<String>,
}

impl DnsArgs {
    /// What the two files are to hold.
    ///
    /// # Errors
    ///
    /// Words that exclude each other, and addresses that are none; the texts are rkt's.
    pub(crate) fn files(&self) -> Result<ConfFiles, Failure> {
        Ok(ConfFiles {
            resolv_conf: self.resolv_conf()?,
            hosts: self.hosts()?,
        })
    }

    fn resolv_conf(&self) -> Result<ResolvConf, Failure> {
        let domain = self.dns_domain.clone().filter(|domain| !domain.is_empty());
        let special = self
            .dns
            .iter()
            .find(|word| matches!(word.as_str(), "host" | "none"));
        if let Some(word) = special {
            if self.dns.len() > 1 {
                return Err(Failure::usage(format!(
                    "no other --dns options allowed when --dns={word} is passed"
                )));
            }
            if !self.dns_search.is_empty() || !self.dns_opt.is_empty() || domain.is_some() {
                return Err(Failure::usage(format!(
                    "Cannot call --dns-opt, --dns-search, or --dns-domain with --dns={word}"
                )));
            }
            return Ok(match word.as_str() {
                "host" => ResolvConf::Host,
                _ => ResolvConf::None,
            });
        }
        let servers = self.dns.iter().flat_map(|list| list.split(','));
        let servers = servers
            .map(|text| match text.parse::<IpAddr>() {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(Failure::usage(format!(
                    "Invalid IP passed to --dns: {text}"
                ))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let lines = [
            ("--dns-search", self.dns_search.iter()),
            ("--dns-opt", self.dns_opt.iter()),
        ];
        for (flag, values) in lines {
            for value in values {
                one_word(flag, value)?;
            }
        }
        if let Some(domain) = &domain {
            one_word("--dns-domain", domain)?;
        }
        if servers.is_empty()
            && self.dns_search.is_empty()
            && self.dns_opt.is_empty()
            && domain.is_none()
        {
            return Ok(ResolvConf::Default);
        }
        Ok(ResolvConf::Stage0 {
            servers,
            search: self.dns_search.clone(),
            options: self.dns_opt.clone(),
            domain,
        })
    }

    fn hosts(&self) -> Result<Hosts, Failure> {
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        let words = self.hosts_entry.iter().filter(|word| *word != "host");
        for entry in words.flat_map(|list| list.split(',')) {
            let (address, name) = entry.split_once('=').ok_or_else(|| {
                Failure::usage(format!("Did not understand --hosts-entry {entry}"))
                    .with_hint("an entry is IP=NAME")
            })?;
            if address.parse::<IpAddr>().is_err() {
                return Err(Failure::usage(format!(
                    "Invalid IP passed to --hosts-entry: {address}"
                )));
            }
            one_word("--hosts-entry", name)?;
            match entries.iter_mut().find(|(known, _)| known == address) {
                Some((_, names)) => names.push(name.to_owned()),
                None => entries.push((address.to_owned(), vec![name.to_owned()])),
            }
        }
        match (self.hosts_entry.iter().any(|word| word == "host"), entries) {
            (false, entries) if entries.is_empty() => Ok(Hosts::Default),
            (false, entries) => Ok(Hosts::Stage0 { entries }),
            (true, entries) if entries.is_empty() => Ok(Hosts::Host),
            (true, _) => Err(Failure::usage(
                "cannot pass --hosts-entry=host with multiple hosts-entries",
            )),
        }
    }
}

/// # Errors
///
/// A value with a line break or other control character, which would make lines of its own.
fn one_word(flag: &str, value: &str) -> Result<(), Failure> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(Failure::usage(format!(
            "{flag}: {value:?} is empty or holds a control character"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn special_words_stand_alone() {
        let args = |dns: &[&str], search: &[&str]| DnsArgs {
            dns: words(dns),
            dns_search: words(search),
            ..DnsArgs::default()
        };
        assert_eq!(args(&[], &[]).resolv_conf().unwrap(), ResolvConf::Default);
        assert_eq!(
            args(&["host"], &[]).resolv_conf().unwrap(),
            ResolvConf::Host
        );
        assert_eq!(
            args(&["none"], &[]).resolv_conf().unwrap(),
            ResolvConf::None
        );
        let both = args(&["8.8.8.8,::1", "1.1.1.1"], &["a", "b"]);
        assert_eq!(
            both.resolv_conf().unwrap(),
            ResolvConf::Stage0 {
                servers: words(&["8.8.8.8", "::1", "1.1.1.1"]),
                search: words(&["a", "b"]),
                options: Vec::new(),
                domain: None,
            }
        );
        for bad in [
            args(&["host", "1.1.1.1"], &[]),
            args(&["none"], &["a"]),
            args(&["host,1.1.1.1"], &[]),
            args(&["1.1.1"], &[]),
            args(&[""], &[]),
            args(&[], &["a\nnameserver 6.6.6.6"]),
            args(&[], &[""]),
        ] {
            assert!(bad.resolv_conf().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_one_address_are_gathered() {
        let args = |list: &[&str]| DnsArgs {
            hosts_entry: words(list),
            ..DnsArgs::default()
        };
        let hosts = args(&["10.0.0.1=a,10.0.0.2=b", "10.0.0.1=c"]).hosts();
        let entries = vec![
            ("10.0.0.1".to_owned(), words(&["a", "c"])),
            ("10.0.0.2".to_owned(), words(&["b"])),
        ];
        assert_eq!(hosts.unwrap(), Hosts::Stage0 { entries });
        assert_eq!(args(&["host"]).hosts().unwrap(), Hosts::Host);
        for bad in [
            &["host", "1.1.1.1=a"][..],
            &["a"],
            &["x=a"],
            &["1.1.1.1="],
            &["1.1.1.1=a\tb"],
        ] {
            assert!(args(bad).hosts().is_err(), "{bad:?}");
        }
    }
}
