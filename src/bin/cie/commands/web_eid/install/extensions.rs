//! Which extensions may call a host.

use crate::arguments::web_eid::{Extension, OWN_HOST};

use super::places::Family;

/// This project's own extension.
const OWN_EXTENSION_CHROMIUM: &str = "cgjlhifmmijjnmlbbcamgncahcmbbljo";
const OWN_EXTENSION_FIREFOX: &str = "cie-card@example.it";

/// The host that the published Web eID extension calls, and no other.
pub(super) const WEB_EID: &str = "eu.webeid";
/// The published extension in the stores of Chrome and Edge; each browser of the family takes both.
const WEB_EID_CHROMIUM: [&str; 2] = ["ncibgoaomkmdpilpocfeponihegamlic", "gnmckgbandlkacikdndelhfghdejfido"];
/// The published extension in the store of Firefox. Its early versions had another one, which nobody vouches for now.
const WEB_EID_FIREFOX: &str = "{e68418bc-f2b0-4459-a9ea-3e72b6751b07}";

/// The extensions that may call, each by what its browser calls it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) chromium: Vec<String>,
    pub(super) firefox: Vec<String>,
}

impl Extensions {
    /// Those that are known for a host, and further ones; nothing is named twice.
    pub(super) fn new(name: &str, further: &[Extension]) -> Self {
        let (chromium, firefox): (&[&str], &[&str]) = match name {
            OWN_HOST => (&[OWN_EXTENSION_CHROMIUM], &[OWN_EXTENSION_FIREFOX]),
            WEB_EID => (&WEB_EID_CHROMIUM, &[WEB_EID_FIREFOX]),
            _ => (&[], &[]),
        };
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let mut extensions = Self { chromium: owned(chromium), firefox: owned(firefox) };
        for extension in further {
            let (ids, id) = match extension {
                Extension::Chromium(id) => (&mut extensions.chromium, id),
                Extension::Firefox(id) => (&mut extensions.firefox, id),
            };
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        extensions
    }

    pub(super) fn of(&self, family: Family) -> &[String] {
        match family {
            Family::Chromium => &self.chromium,
            Family::Firefox => &self.firefox,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chromium.is_empty() && self.firefox.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_extensions() {
        let own = Extensions::new(OWN_HOST, &[]);
        assert_eq!((own.chromium.len(), own.firefox.len()), (1, 1));
        assert!(own.chromium[0].len() == 32 && own.chromium[0].bytes().all(|b| matches!(b, b'a'..=b'p')));
        let published = Extensions::new(WEB_EID, &[]);
        assert_eq!(published.chromium, WEB_EID_CHROMIUM);
        assert_eq!(published.firefox, [WEB_EID_FIREFOX]);
        assert!(Extensions::new("a.b", &[]).is_empty());
    }

    #[test]
    fn further_extensions_are_added_once() {
        let id = "p".repeat(32);
        let further = [
            Extension::Chromium(id.clone()),
            Extension::Firefox("a@b".to_owned()),
            Extension::Chromium(id.clone()),
            Extension::Chromium(WEB_EID_CHROMIUM[0].to_owned()),
        ];
        let extensions = Extensions::new(WEB_EID, &further);
        assert_eq!(extensions.of(Family::Chromium), [WEB_EID_CHROMIUM[0], WEB_EID_CHROMIUM[1], &id]);
        assert_eq!(extensions.of(Family::Firefox), [WEB_EID_FIREFOX, "a@b"]);
    }
}
