//! Letters of five by five points, drawn with half blocks: to be read from the other side of a counter.

/// Columns from one letter to the next, and rows of points.
const STEP: usize = 6;
const POINTS: usize = 5;

/// The points of a capital letter, row by row, the leftmost in bit 4.
fn points(letter: char) -> [u8; POINTS] {
    match letter {
        'A' => [0b01110, 0b10001, 0b11111, 0b10001, 0b10001],
        'B' => [0b11110, 0b10001, 0b11110, 0b10001, 0b11110],
        'C' => [0b01111, 0b10000, 0b10000, 0b10000, 0b01111],
        'D' => [0b11110, 0b10001, 0b10001, 0b10001, 0b11110],
        'E' => [0b11111, 0b10000, 0b11110, 0b10000, 0b11111],
        'F' => [0b11111, 0b10000, 0b11110, 0b10000, 0b10000],
        'G' => [0b01111, 0b10000, 0b10011, 0b10001, 0b01111],
        'H' => [0b10001, 0b10001, 0b11111, 0b10001, 0b10001],
        'I' => [0b01110, 0b00100, 0b00100, 0b00100, 0b01110],
        'J' => [0b00111, 0b00001, 0b00001, 0b10001, 0b01110],
        'K' => [0b10010, 0b10100, 0b11000, 0b10100, 0b10010],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'M' => [0b10001, 0b11011, 0b10101, 0b10001, 0b10001],
        'N' => [0b10001, 0b11001, 0b10101, 0b10011, 0b10001],
        'O' => [0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
        'P' => [0b11110, 0b10001, 0b11110, 0b10000, 0b10000],
        'Q' => [0b01110, 0b10001, 0b10101, 0b10010, 0b01101],
        'R' => [0b11110, 0b10001, 0b11110, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'V' => [0b10001, 0b10001, 0b10001, 0b01010, 0b00100],
        'W' => [0b10001, 0b10001, 0b10101, 0b11011, 0b10001],
        'X' => [0b10001, 0b01010, 0b00100, 0b01010, 0b10001],
        'Y' => [0b10001, 0b01010, 0b00100, 0b00100, 0b00100],
        'Z' => [0b11111, 0b00010, 0b00100, 0b01000, 0b11111],
        _ => [0; POINTS],
    }
}

/// The largest way to draw some words in so much room: lines of blocks, each as wide as what it says, with an empty
/// one between two rows of letters. Nothing if there is no way.
pub(crate) fn largest(words: &str, width: usize, height: usize) -> Option<Vec<String>> {
    (1..=8).rev().find_map(|scale| {
        let rows = broken(words, width / (STEP * scale))?;
        let lines: Vec<String> = rows.iter().flat_map(|row| drawn(row, scale)).collect();
        (lines.len() <= height).then_some(lines)
    })
}

/// Words in rows of so many letters, if each fits.
fn broken(words: &str, letters: usize) -> Option<Vec<String>> {
    let mut rows: Vec<String> = Vec::new();
    for word in words.split(' ') {
        if word.len() > letters {
            return None;
        }
        match rows.last_mut() {
            Some(row) if row.len() + 1 + word.len() <= letters => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    Some(rows)
}

/// One row of letters, and an empty line below it.
fn drawn(row: &str, scale: usize) -> Vec<String> {
    let is_set = |x: usize, y: usize| {
        let (letter, column) = (x / scale / STEP, x / scale % STEP);
        let bits = row.chars().nth(letter).map(points).and_then(|bits| bits.get(y / scale).copied());
        bits.is_some_and(|bits| column < POINTS && bits >> (POINTS - 1 - column) & 1 == 1)
    };
    let width = (row.len() * STEP).saturating_sub(1) * scale;
    let line = |line: usize| {
        let cell = |x| match (is_set(x, 2 * line), is_set(x, 2 * line + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        (0..width).map(cell).collect::<String>()
    };
    let lines = (POINTS * scale).div_ceil(2);
    (0..lines).map(line).chain([String::new()]).collect()
}
