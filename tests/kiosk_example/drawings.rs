//! What is drawn, without a terminal.

use cie::Language;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::list::ListError;
use crate::model::{Person, Refusal, View};
use crate::screen::{Scene, draw};
use crate::texts;
use crate::turns::person;

const LANGUAGES: [Language; 2] = [Language::Italian, Language::English];

fn drawn(view: &View<'_>, language: Language, width: u16, height: u16) -> String {
    let scene = Scene { view: view.clone(), language, others_wait: false, is_demo: false };
    drawn_scene(&scene, width, height)
}

fn drawn_scene(scene: &Scene<'_>, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, scene)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

/// The words of a picture, wherever its lines end.
fn read(picture: &str) -> String {
    picture.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn refusal() -> Refusal {
    cie::Error::from(cie::kiosk::Error::NotGenuine).into()
}

/// Every view there is, and somebody in those that show somebody.
fn views(somebody: &Person) -> Vec<View<'_>> {
    vec![
        View::NoService,
        View::NoReader,
        View::Welcome,
        View::Checking,
        View::MayPass { words: somebody.words.as_deref().unwrap(), person: somebody },
        View::MayNotPass(somebody),
        View::Refused(refusal()),
        View::Refused(cie::Error::from(cie::transport::Error::NoAnswer).into()),
        View::Refused(ListError::Open.into()),
        View::TooEarly,
        View::TakeCard,
    ]
}

#[test]
fn every_view_says_its_sentence_in_both_languages() {
    let somebody = person("Niccolò Dall'Òglio");
    for view in views(&somebody) {
        let [italian, english] = LANGUAGES.map(|language| {
            let words = texts::of(&view, language);
            let shown = read(&drawn(&view, language, 80, 24));
            assert!(shown.contains(words.sentence), "{view:?}: {shown}");
            assert!(shown.contains(texts::other_language(language)), "{shown}");
            assert!(!shown.contains(texts::TEST));
            // Drawn in blocks, of which there are more than of any text.
            assert!(shown.matches(['█', '▀', '▄']).count() > 50, "{shown}");
            words
        });
        assert_ne!(italian.sentence, english.sentence);
        assert_ne!(italian.headline, english.headline);
        for headline in [italian.headline, english.headline] {
            assert!(headline.chars().all(|c| c.is_ascii_uppercase() || c == ' '), "{headline}");
        }
    }
}

#[test]
fn little_is_shown_of_a_person_and_only_where_it_belongs() {
    let somebody = person("Niccolò Dall'Òglio");
    for language in LANGUAGES {
        for view in views(&somebody) {
            let shown = read(&drawn(&view, language, 80, 24));
            let [words, digits] = [shown.contains("Niccolò Dall'Òglio"), shown.contains("NIS ·········123")];
            let expected = match view {
                View::MayPass { .. } => [true, true],
                View::MayNotPass(_) => [false, true],
                _ => [false, false],
            };
            assert_eq!([words, digits], expected, "{shown}");
        }
    }
}

#[test]
fn a_software_card_is_called_so_in_every_size() {
    let somebody = Person { is_test: true, ..person("Anna") };
    for view in [View::MayPass { words: "Anna", person: &somebody }, View::MayNotPass(&somebody)] {
        for (width, height) in [(80, 24), (200, 60), (40, 12), (39, 12), (24, 5)] {
            let shown = read(&drawn(&view, Language::Italian, width, height));
            assert!(shown.contains(texts::TEST), "{width}x{height}: {shown}");
        }
    }
}

#[test]
fn no_size_is_too_small_to_be_drawn() {
    let somebody = person("Niccolò Dall'Òglio 東京");
    for view in views(&somebody) {
        for language in LANGUAGES {
            for (width, height) in (1..=45).flat_map(|width| (1..=14).map(move |height| (width, height))) {
                drawn(&view, language, width, height);
            }
            for (width, height) in [(1, 200), (300, 1), (300, 100), (79, 23)] {
                drawn(&view, language, width, height);
            }
        }
    }
    let pass = View::MayPass { words: "Anna", person: &somebody };
    let shown = read(&drawn(&pass, Language::Italian, 20, 5));
    assert!(shown.starts_with("AVANTI Anna NIS"), "{shown}");
}

#[test]
fn who_waits_is_told_and_the_longest_words_have_room() {
    let somebody = Person { is_test: true, ..person(&"à".repeat(60)) };
    for language in LANGUAGES {
        let view = View::MayPass { words: somebody.words.as_deref().unwrap(), person: &somebody };
        let scene = Scene { view, language, others_wait: true, is_demo: true };
        let shown = read(&drawn_scene(&scene, 80, 24));
        for text in [
            &*"à".repeat(60),
            texts::others_wait(language),
            texts::demo_keys(language),
            texts::of(&scene.view, language).sentence,
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        let refused = View::Refused(refusal());
        let shown = read(&drawn_scene(&Scene { view: refused, ..scene }, 80, 24));
        assert!(shown.contains("(chip-not-authentic)"), "{shown}");
        assert!(shown.contains(texts::others_wait(language)), "{shown}");
    }
}

/// A screen that is not large says all that a large one says.
#[test]
fn a_small_screen_says_it_all() {
    let somebody = Person { is_test: true, ..person(&"à".repeat(60)) };
    for (width, height) in [(40, 12), (41, 13), (60, 16), (80, 24), (100, 30)] {
        for (view, language) in
            views(&somebody).into_iter().flat_map(|view| LANGUAGES.map(|l| (view.clone(), l)))
        {
            let scene = Scene { view: view.clone(), language, others_wait: true, is_demo: false };
            let shown = read(&drawn_scene(&scene, width, height));
            for text in [texts::of(&view, language).sentence, texts::others_wait(language)] {
                assert!(shown.contains(text), "{width}x{height} {text}: {shown}");
            }
        }
    }
}

/// Every code of the library is told in words for somebody at a counter; what is wrong here is not laid on their card.
#[test]
fn what_is_wrong_with_the_computer_is_not_the_cards_fault() {
    let headline = |code| texts::of(&View::Refused(Refusal { code }), Language::English).headline;
    for code in [
        "no-service",
        "access-denied",
        "no-reader",
        "reader-failed",
        "reader-stuck",
        "internal",
        "trust-folder",
        "list-unusable",
        "certificate-expired",
    ] {
        assert_eq!(headline(code), "OUT OF ORDER", "{code}");
    }
    for code in ["card-removed", "no-card", "card-mute", "card-reset", "card-in-use", "card-unpowered"] {
        assert_eq!(headline(code), "TRY AGAIN", "{code}");
    }
    for code in [
        "chip-not-authentic",
        "file-altered",
        "wrong-signature",
        "certificate-bad",
        "card-malformed",
        "card-refused",
        "test-certificate",
    ] {
        assert_eq!(headline(code), "CARD REFUSED", "{code}");
    }
    assert_eq!(headline("not-a-cie"), "OTHER CARD");
    assert_eq!(headline("issuer-unknown"), "NOT CHECKED");
    // None of the library's advice, which is for whoever sits at the computer, stands on the screen.
    for code in cie::Error::codes() {
        for language in LANGUAGES {
            let sentence = texts::of(&View::Refused(Refusal { code }), language).sentence;
            assert!(!sentence.contains("PIN") && !sentence.contains("pcscd"), "{code}: {sentence}");
        }
    }
}
