//! What a citizen sees of an order before the PIN is asked for: in two languages, and nothing but what is signed.

use std::fmt::Write as _;

use cie::environment::moment;
use cie::pin::Tries;

use crate::order::Order;

/// The order for a terminal. Every value in it was read back from the bytes that are to be signed, and every text
/// was refused long ago if a terminal could obey it ([`crate::text`]).
pub(crate) fn order(order: &Order) -> String {
    let (channel, payer) = (order.channel(), order.payer().as_str());
    let mut shown = format!(
        "Ordine di pagamento / Payment order  {}\n  \
           Canale / Channel:   {} / {}\n  \
           Pagatore / Payer:   {payer}\n",
        order.id(),
        channel.italian(),
        channel.english(),
    );
    for notice in order.notices() {
        // Writing to a String does not fail.
        let _ = write!(
            shown,
            "  Avviso / Notice:    {}{}\n    {} (C.F. {})\n    {}\n    {}\n",
            notice.number.grouped(),
            if notice.number.has_check_digits() {
                ""
            } else {
                "  (senza cifre di controllo / no check digits)"
            },
            notice.name,
            notice.creditor,
            notice.reason,
            notice.amount,
        );
    }
    let (issued, until) = (moment::format(order.issued()), moment::format(order.until()));
    shown
        + &format!(
            "  TOTALE / TOTAL:     {}\n  \
               Valido / Valid:     {issued} - {until}\n",
            order.total()
        )
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
