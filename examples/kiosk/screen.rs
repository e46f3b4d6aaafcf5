//! The drawing: what is to be seen becomes cells, and nothing else happens.

use cie::Language;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::letters;
use super::model::{Person, View};
use super::texts;

/// Below this a line of its own for anything but the matter itself is too much.
const SMALL: (u16, u16) = (40, 12);

/// Everything that a picture depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scene<'a> {
    pub(crate) view: View<'a>,
    pub(crate) language: Language,
    pub(crate) others_wait: bool,
    pub(crate) is_demo: bool,
}

/// Dark on light or light on dark, of the sixteen colours that every terminal has; the words say the same.
fn colours(view: &View<'_>) -> Style {
    let (background, foreground) = match view {
        View::NoService | View::NoReader => (Color::Black, Color::White),
        View::Welcome => (Color::Blue, Color::White),
        View::Checking | View::TakeCard | View::TooEarly => (Color::Yellow, Color::Black),
        View::MayPass { .. } => (Color::Green, Color::Black),
        View::MayNotPass(_) | View::Refused(_) => (Color::Red, Color::White),
    };
    Style::new().bg(background).fg(foreground)
}

/// Draws the scene over the whole screen.
pub(crate) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    let area = frame.area();
    frame.render_widget(Block::new().style(colours(&scene.view)), area);
    if area.width < SMALL.0 || area.height < SMALL.1 {
        return draw_small(frame, scene, area);
    }
    let inner = area.inner(Margin::new(2, 1));
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let words = texts::of(&scene.view, scene.language);
    let mut text = about(&scene.view);
    text.push(Line::from(words.sentence));
    text.extend(code(&scene.view));
    if scene.others_wait {
        text.extend([Line::default(), Line::from(texts::others_wait(scene.language)).style(bold)]);
    }
    let mut ends = vec![Line::from(texts::other_language(scene.language))];
    if scene.is_demo {
        ends.insert(0, Line::from(texts::demo_keys(scene.language)));
    }
    // The sentence counts for more than the size of the headline.
    let text = Paragraph::new(text).wrap(Wrap { trim: true }).alignment(Alignment::Center);
    let ends = Paragraph::new(ends).wrap(Wrap { trim: true }).alignment(Alignment::Right);
    let [below, footer] =
        [&text, &ends].map(|lines| u16::try_from(lines.line_count(inner.width)).unwrap_or(u16::MAX));
    let Some(room) =
        inner.height.checked_sub(below.saturating_add(footer).saturating_add(1)).filter(|room| *room > 0)
    else {
        return draw_small(frame, scene, area);
    };
    let headline =
        letters::largest(words.headline, inner.width.into(), usize::from(room.min(inner.height / 2)))
            .unwrap_or_else(|| vec![words.headline.to_owned()]);
    let high = u16::try_from(headline.len()).unwrap_or(room).min(room);
    let [banner, _, large, below, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length((inner.height.saturating_sub(high) / 6).min(room - high)),
        Constraint::Length(high),
        Constraint::Min(below),
        Constraint::Length(footer),
    ])
    .areas(inner);
    if person(&scene.view).is_some_and(|person| person.is_test) || scene.is_demo {
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        frame.render_widget(Paragraph::new(texts::TEST).alignment(Alignment::Center).style(style), banner);
    }
    let lines: Vec<Line<'_>> = headline.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center).style(bold), large);
    frame.render_widget(text, below);
    frame.render_widget(ends, footer);
}

/// The matter itself, from the top.
fn draw_small(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let words = texts::of(&scene.view, scene.language);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut text = vec![Line::from(words.headline).style(bold)];
    if person(&scene.view).is_some_and(|person| person.is_test) || scene.is_demo {
        text.push(Line::from(texts::TEST).style(Style::new().add_modifier(Modifier::REVERSED)));
    }
    text.extend(about(&scene.view).into_iter().filter(|line| line.width() > 0));
    text.push(Line::from(words.sentence));
    text.extend(code(&scene.view));
    if scene.others_wait {
        text.push(Line::from(texts::others_wait(scene.language)).style(bold));
    }
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

fn person<'a>(view: &View<'a>) -> Option<&'a Person> {
    match view {
        View::MayPass { person, .. } | View::MayNotPass(person) => Some(person),
        _ => None,
    }
}

/// What is shown of the person: the words of the list, and the end of the number.
fn about<'a>(view: &View<'a>) -> Vec<Line<'a>> {
    let Some(person) = person(view) else { return Vec::new() };
    let mut lines = Vec::new();
    if let View::MayPass { words, .. } = view {
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        lines.push(Line::from(format!(" {words} ")).style(style));
    }
    lines.push(Line::from(format!("NIS ·········{}", person.ending)));
    lines.push(Line::default());
    lines
}

/// What somebody who is called can look up.
fn code<'a>(view: &View<'a>) -> Option<Line<'a>> {
    match view {
        View::Refused(refusal) => Some(Line::from(format!("({})", refusal.code))),
        _ => None,
    }
}
