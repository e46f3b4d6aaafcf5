//! The pages: one template, in which whatever a certificate says stays text.

use cie::trust::CertifiedCard;
use minijinja::{Environment, Error, Value, context};

use crate::sessions::Guest;
use crate::texts::{self, Language, SENTENCES, WORDS};

/// What a page is about.
pub(crate) enum Page<'a> {
    /// The login, for somebody whose session has ended or for anybody.
    Login { ended: bool },
    /// A citizen who came in.
    Greeting(&'a Guest),
    /// A page that asks for itself once more. A link on another site brought somebody here, and the browser keeps a
    /// citizen's cookie back until a page of ours asks.
    Again,
}

/// Makes the pages of one portal.
pub(crate) struct Pages {
    environment: Environment<'static>,
    origin: String,
    demo: bool,
    first_generations: bool,
}

impl Pages {
    /// The name's ending has the template escape for HTML.
    const NAME: &'static str = "page.html";

    pub(crate) fn new(origin: &str, demo: bool, first_generations: bool) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.add_template(Self::NAME, include_str!("page.html"))?;
        Ok(Self { environment, origin: origin.to_owned(), demo, first_generations })
    }

    pub(crate) fn render(&self, page: &Page<'_>, language: Language) -> Result<String, Error> {
        let mut sentences = texts::in_language(SENTENCES, language);
        sentences.retain(|code, _| self.demo || !code.starts_with("demo-"));
        let citizen = match page {
            Page::Greeting(guest) => context! {
                given_names => guest.given_names,
                surname => guest.surname,
                fiscal_code => guest.fiscal_code,
                card => name_of(guest.card),
                is_test => guest.is_test,
                is_legacy => guest.is_legacy,
            },
            _ => Value::UNDEFINED,
        };
        let kind = match page {
            Page::Login { .. } => "login",
            Page::Greeting(_) => "greeting",
            Page::Again => "again",
        };
        self.environment.get_template(Self::NAME)?.render(context! {
            kind,
            citizen,
            ended => matches!(page, Page::Login { ended: true }),
            sentences => data(&sentences),
            t => texts::in_language(WORDS, language),
            lang => language.tag(),
            other => language.other().tag(),
            origin => self.origin,
            demo => self.demo,
            first_generations => self.first_generations,
        })
    }
}

/// Which of the words names a kind of card.
fn name_of(card: Option<CertifiedCard>) -> &'static str {
    match card {
        Some(CertifiedCard::Cie3) => "card_cie3",
        Some(CertifiedCard::Cns) => "card_cns",
        Some(CertifiedCard::FirstGenerations) => "card_first",
        _ => "card_other",
    }
}

/// JSON for a block of data in a page: nothing in it can end the block.
fn data(value: &impl serde::Serialize) -> Value {
    let json = serde_json::to_string(value).unwrap_or_default();
    Value::from_safe_string(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(surname: &str) -> Guest {
        Guest {
            given_names: "D'ESEMPIO & FIGLI".to_owned(),
            surname: surname.to_owned(),
            fiscal_code: "CLLFTZ85L64H501X".to_owned(),
            card: Some(CertifiedCard::Cie3),
            is_test: true,
            is_legacy: true,
        }
    }

    #[test]
    fn markup_in_a_name_stays_text() {
        let pages = Pages::new("https://localhost", true, true).unwrap();
        let guest = guest("<script>alert(\"1\")</script>");
        let page = pages.render(&Page::Greeting(&guest), Language::Italian).unwrap();
        assert!(!page.contains("<script") && !page.contains("\"1\""), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)"), "{page}");
        assert!(page.contains("D&#x27;ESEMPIO &amp; FIGLI"), "{page}");
    }

    #[test]
    fn every_page_finds_all_its_words() {
        let pages = Pages::new("https://localhost:8443", true, true).unwrap();
        let mut strict = pages.environment.clone();
        strict.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        let pages = Pages { environment: strict, ..pages };
        let guest = guest("PROVA");
        for language in [Language::Italian, Language::English] {
            let logins = [true, false].map(|ended| Page::Login { ended });
            for page in logins.into_iter().chain([Page::Greeting(&guest), Page::Again]) {
                let page = pages.render(&page, language).unwrap();
                assert!(!page.contains("None") && !page.contains("none"), "{page}");
                assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
            }
        }
    }

    #[test]
    fn a_real_portal_says_nothing_of_the_demonstration() {
        let pages = Pages::new("https://portale.comune.example.it", false, false).unwrap();
        let page = pages.render(&Page::Login { ended: true }, Language::Italian).unwrap();
        assert!(!page.contains("demo"), "{page}");
    }

    #[test]
    fn data_does_not_end_its_block() {
        let value = data(&["</script><b>&"]).to_string();
        assert!(!value.contains('<') && !value.contains('&'), "{value}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&value).unwrap(), ["</script><b>&"]);
    }
}
