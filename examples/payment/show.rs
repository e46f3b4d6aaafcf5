//! What a citizen sees of an order before the PIN is asked for: in two languages, and nothing but what is signed.

use std::fmt::Write as _;

use cie::environment::moment;
use cie::pin::Tries;

use crate::order::Order;

/// How many letters of somebody's text stand in a line: none is so long that a terminal would break it.
const WIDTH: usize = 50;

/// The order for a terminal. Every value in it was read back from the bytes that are to be signed, and every text
/// was refused long ago if a terminal could obey it ([`crate::text`]). What others wrote stands between quotation marks,
/// which cannot be in it, and never at the beginning of a line: it cannot be taken for a line of ours.
pub(crate) fn order(order: &Order) -> String {
    let (channel, payer) = (order.channel(), order.payer().as_str());
    let mut shown = format!(
        "Ordine di pagamento / Payment order  {}\n  \
           Canale / Channel:     {} / {}\n  \
           Pagatore / Payer:     {payer}\n",
        order.id(),
        channel.italian(),
        channel.english(),
    );
    for notice in order.notices() {
        let unchecked = match notice.number.has_check_digits() {
            true => "",
            false => "  (senza cifre di controllo / no check digits)",
        };
        // Writing to a String does not fail.
        let _ = write!(
            shown,
            "  Avviso / Notice:      {}{unchecked}\n    \
                 Cod. fiscale / Code:  {}\n    \
                 Ente / Creditor:      {}\n    \
                 Causale / Reason:     {}\n    \
                 Importo / Amount:     {}\n",
            notice.number.grouped(),
            notice.creditor,
            quoted(&notice.name.to_string()),
            quoted(&notice.reason.to_string()),
            notice.amount,
        );
    }
    let (issued, until) = (moment::format(order.issued()), moment::format(order.until()));
    shown
        + &format!(
            "  TOTALE / TOTAL:       {}\n  \
               Valido / Valid:       {issued} - {until}\n",
            order.total()
        )
}

/// Somebody's text, on as many lines as it needs; each but the first begins with a bar.
fn quoted(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let lines: Vec<String> = letters.chunks(WIDTH).map(|line| line.iter().collect()).collect();
    format!("«{}»", lines.join(&format!("\n{:26}| ", "")))
}

/// What is said of the tries before one is spent.
pub(crate) fn tries(tries: Tries) -> String {
    match tries {
        Tries::Left(1) => "ULTIMO tentativo per il PIN / LAST try for the PIN".to_owned(),
        Tries::Left(left) => format!("Tentativi rimasti per il PIN / Tries left for the PIN: {left}"),
        _ => "La carta non dice quanti tentativi restano / The card does not tell how many tries are left"
            .to_owned(),
    }
}
