//! The order that a citizen signs: one value, one row of bytes.
//!
//! ```text
//! cie payment order v1
//! id 3f0c…                                    32 small hexadecimal digits, drawn
//! channel kiosk
//! payer CVAPVN79C57G999T
//! issued 2026-01-01T10:00:00Z
//! until 2026-01-02T10:00:00Z
//! notice 302032002700000251 03334231200 8750  number, creditor, cents
//! creditor Comune di Esempio
//! reason TARI 2026                            these three lines for each notice
//! total 8750
//! ```
//!
//! Each line ends with one line feed, the last one too. The first line keeps the signature from being taken for
//! anything else, and anything else from being taken for an order: a login token is a signature over 64, 96 or 128
//! bytes of digests (`cie::login`), and no order is as short as that.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use cie::crypto::sha256;
use cie::environment::{Entropy, EntropyError, moment};
use cie::identity::{FiscalCode, FiscalCodeError};

use crate::channel::Channel;
use crate::notice::{Cents, Creditor, Notice, NoticeError, NoticeNumber};
use crate::text::Text;

/// What every order begins with.
pub(crate) const DOMAIN: &str = "cie payment order v1\n";
/// The most notices of an order: what a citizen can look over.
pub(crate) const NOTICES_MAX: usize = 5;
/// The longest order in bytes.
pub(crate) const LENGTH_MAX: usize = 4096;
/// The longest time for which an order is good: what a channel may be cut off from the ledger for.
pub(crate) const VALIDITY_MAX: Duration = Duration::from_secs(7 * 86_400);
/// How far the clocks of channel and ledger may be apart.
const SKEW: Duration = Duration::from_secs(300);

/// Why something is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("not a payment order: it does not begin with the words of one")]
    Domain,
    #[error("an order is at most {LENGTH_MAX} bytes long")]
    Length,
    #[error("an order is text in UTF-8")]
    Encoding,
    #[error("the order has not the line \"{0}\" where it belongs")]
    Line(&'static str),
    #[error("not the identifier of an order: 32 small hexadecimal digits")]
    Id,
    #[error("no such channel")]
    Channel,
    #[error("the payer: {0}")]
    Payer(#[from] FiscalCodeError),
    #[error("the moment of an order is written another way")]
    Moment,
    #[error("an order is good for more than no time and at most seven days")]
    Validity,
    #[error("an order has 1 to {NOTICES_MAX} notices")]
    Notices,
    #[error("a notice stands in the order twice")]
    Twice,
    #[error("the amounts do not add up to the total")]
    Total,
    #[error("the amounts are too much together")]
    TooMuch,
    #[error(transparent)]
    Notice(#[from] NoticeError),
    #[error("the same order is written another way")]
    Spelling,
}

/// Why an order is not taken at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    #[error("l'ordine è scaduto / the order has expired")]
    Expired,
    #[error(
        "l'ordine è nel futuro: un orologio è sbagliato / the order is from the future: a clock is wrong"
    )]
    Future,
}

/// 128 bits that were drawn: what tells two orders over the same notices apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OrderId([u8; 16]);

impl OrderId {
    pub(crate) fn draw(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut drawn = [0; 16];
        entropy.draw("payment order", &mut drawn)?;
        Ok(Self(drawn))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, OrderError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| OrderError::Id)?;
        // Capitals would be another spelling.
        if hex::encode(bytes) == text { Ok(Self(bytes)) } else { Err(OrderError::Id) }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderId({self})")
    }
}

/// What an order is made from.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: OrderId,
    pub(crate) channel: Channel,
    pub(crate) payer: FiscalCode,
    pub(crate) issued: SystemTime,
    pub(crate) until: SystemTime,
    pub(crate) notices: Vec<Notice>,
}

/// An order that keeps all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    id: OrderId,
    channel: Channel,
    payer: FiscalCode,
    issued: SystemTime,
    until: SystemTime,
    notices: Vec<Notice>,
    total: Cents,
}

impl Order {
    pub(crate) fn new(draft: Draft) -> Result<Self, OrderError> {
        let Draft { id, channel, payer, issued, until, notices } = draft;
        let (issued, until) = (moment::to_the_second(issued), moment::to_the_second(until));
        let validity = until.duration_since(issued).map_err(|_| OrderError::Validity)?;
        if validity.is_zero() || validity > VALIDITY_MAX {
            return Err(OrderError::Validity);
        }
        // The calendar of the text ends before that of the clock does.
        if [issued, until].iter().any(|at| moment::parse(&moment::format(*at)) != Some(*at)) {
            return Err(OrderError::Moment);
        }
        if notices.is_empty() || notices.len() > NOTICES_MAX {
            return Err(OrderError::Notices);
        }
        let mut seen = HashSet::new();
        if !notices.iter().all(|notice| seen.insert((&notice.creditor, &notice.number))) {
            return Err(OrderError::Twice);
        }
        let total = Cents::sum(notices.iter().map(|notice| notice.amount)).ok_or(OrderError::TooMuch)?;
        Ok(Self { id, channel, payer, issued, until, notices, total })
    }

    /// The bytes that are signed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { id, channel, payer, issued, until, notices, total } = self;
        let (payer, issued, until) = (payer.as_str(), moment::format(*issued), moment::format(*until));
        let mut text =
            format!("{DOMAIN}id {id}\nchannel {channel}\npayer {payer}\nissued {issued}\nuntil {until}\n");
        for Notice { number, creditor, amount, name, reason } in notices {
            let cents = amount.get();
            text += &format!("notice {number} {creditor} {cents}\ncreditor {name}\nreason {reason}\n");
        }
        text += &format!("total {}\n", total.get());
        text.into_bytes()
    }

    /// Reads what somebody sent. What is taken is exactly what [`Order::encode`] writes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, OrderError> {
        if !bytes.starts_with(DOMAIN.as_bytes()) {
            return Err(OrderError::Domain);
        }
        if bytes.len() > LENGTH_MAX {
            return Err(OrderError::Length);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| OrderError::Encoding)?;
        let mut lines = Lines(text.strip_prefix(DOMAIN).unwrap_or_default());
        let moment = |text| moment::parse(text).ok_or(OrderError::Moment);
        let id = OrderId::parse(lines.expect("id ")?)?;
        let channel = Channel::parse(lines.expect("channel ")?).ok_or(OrderError::Channel)?;
        let payer = FiscalCode::parse(lines.expect("payer ")?)?;
        let issued = moment(lines.expect("issued ")?)?;
        let until = moment(lines.expect("until ")?)?;
        let mut notices = Vec::new();
        while let Some(line) = lines.take("notice ") {
            if notices.len() == NOTICES_MAX {
                return Err(OrderError::Notices);
            }
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().ok_or(OrderError::Line("notice "));
            notices.push(Notice {
                number: NoticeNumber::parse(word()?)?,
                creditor: Creditor::parse(word()?)?,
                amount: Cents::parse(word()?)?,
                name: Text::parse(lines.expect("creditor ")?).map_err(NoticeError::from)?,
                reason: Text::parse(lines.expect("reason ")?).map_err(NoticeError::from)?,
            });
        }
        let total = Cents::parse(lines.expect("total ")?)?;
        let order = Self::new(Draft { id, channel, payer, issued, until, notices })?;
        if order.total != total {
            return Err(OrderError::Total);
        }
        // Whatever is left over or was written another way shows here.
        if order.encode() == bytes { Ok(order) } else { Err(OrderError::Spelling) }
    }

    /// Whether this is the time for it.
    pub(crate) fn check_time(&self, now: SystemTime) -> Result<(), TimeError> {
        if now.checked_add(SKEW).is_some_and(|latest| self.issued > latest) {
            return Err(TimeError::Future);
        }
        if now >= self.until { Err(TimeError::Expired) } else { Ok(()) }
    }

    pub(crate) fn id(&self) -> OrderId {
        self.id
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel
    }

    pub(crate) fn payer(&self) -> &FiscalCode {
        &self.payer
    }

    pub(crate) fn issued(&self) -> SystemTime {
        self.issued
    }

    pub(crate) fn until(&self) -> SystemTime {
        self.until
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    pub(crate) fn total(&self) -> Cents {
        self.total
    }
}

/// What tells whether two orders are the same one: SHA-256 of the bytes that are signed.
pub(crate) fn digest(order: &[u8]) -> [u8; 32] {
    sha256(&[order])
}

/// What is left to read, line by line.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    /// What follows these words in the next line, if it begins with them.
    fn take(&mut self, words: &str) -> Option<&'a str> {
        let (line, rest) = self.0.split_once('\n')?;
        let value = line.strip_prefix(words)?;
        self.0 = rest;
        Some(value)
    }

    fn expect(&mut self, words: &'static str) -> Result<&'a str, OrderError> {
        self.take(words).ok_or(OrderError::Line(words))
    }
}
