//! An address together with its network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address with a length of prefix, as `10.1.0.5/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// Bits of the network, at most those of the address.
    pub length: u8,
}

impl FromStr for Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, length) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u8 = length.parse().map_err(|_| ())?;
        match digits && length <= most {
            true => Ok(Self { address, length }),
            false => Err(()),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Prefix {
    /// The bits of the network as an address, such as 255.255.255.0.
    pub fn mask(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => {
                let zeros = 32_u32.saturating_sub(self.length.into());
                Ipv4Addr::from(u32::MAX.checked_shl(zeros).unwrap_or(0)).into()
            }
            IpAddr::V6(_) => {
                let zeros = 128_u32.saturating_sub(self.length.into());
                Ipv6Addr::from(u128::MAX.checked_shl(zeros).unwrap_or(0)).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masks_are_addresses() {
        for (prefix, mask) in [
            ("10.0.0.1/0", "0.0.0.0"),
            ("10.0.0.1/24", "255.255.255.0"),
            ("10.0.0.1/32", "255.255.255.255"),
            ("fd00::1/0", "::"),
            ("fd00::1/64", "ffff:ffff:ffff:ffff::"),
            ("fd00::1/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let prefix: Prefix = prefix.parse().unwrap();
            assert_eq!(prefix.mask().to_string(), mask);
        }
    }

    proptest! {
        #[test]
        fn prefixes_read_back(bits in any::<u128>(), four in any::<bool>(), length in 0_u8..=128) {
            let address: IpAddr = match four {
                true => Ipv4Addr::from((bits & 0xffff_ffff) as u32).into(),
                false => Ipv6Addr::from(bits).into(),
            };
            let length = if four { length.min(32) } else { length };
            let prefix = Prefix { address, length };
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
        }
    }
}
