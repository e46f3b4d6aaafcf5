//! The whole story, with an invented citizen: shown, confirmed, pending elsewhere, settled, refused the second time.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cie::crypto::{PresentedCertificate, SystemEntropy};
use cie::emulator::SoftCard;
use cie::emulator::folder::{self, FolderOptions};
use cie::environment::SystemClock;
use cie::identity::FiscalCode;
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{Revocation, RevocationRules, TrustStore};

use crate::channel::Channel as Place;
use crate::confirm::{Channel, mark};
use crate::ledger::{Ledger, Receipt, Refusal};
use crate::notice::{Cents, Creditor, Notice, NoticeNumber};
use crate::order::{Draft, Order, OrderId};
use crate::outbox::Outbox;
use crate::present::{Offline, PresentError, Till};
use crate::signed::SignedOrder;
use crate::text::Text;
use crate::{files, settled};

/// Runs it in a folder that does not exist yet, and leaves everything there.
pub(crate) fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder.parent().unwrap_or(folder))?;
    fs::create_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let now = SystemTime::now();
    writeln!(out, "1. an invented citizen gets a software card …")?;
    let options = FolderOptions::new(now);
    let citizen = folder::create(folder, &options)?;
    let payer = FiscalCode::parse(&citizen.fiscal_code)?;

    writeln!(
        out,
        "\n2. a kiosk makes an order for two open notices, and the citizen confirms it with card and PIN:\n"
    )?;
    let order = Order::new(Draft {
        id: OrderId::draw(&mut SystemEntropy)?,
        channel: Place::Kiosk,
        payer: payer.clone(),
        issued: now,
        until: now + Duration::from_secs(86_400),
        notices: vec![tax()?, canteen()?],
    })?;
    let bytes = order.encode();
    files::write_new(&folder.join("order.txt"), &bytes)?;
    let trust = TrustStore::new().allow_test_pki().load(folder.join(folder::TRUST))?;
    let mut outbox = Outbox::open(&folder.join("outbox.db"))?;
    let digits = String::from_utf8(options.pin.to_vec())?;
    let mut pin = || -> io::Result<Typed> { Ok(Typed::new(digits.clone())) };
    let mut confirm = |bytes: &[u8], outbox: &mut Outbox, out: &mut dyn Write| {
        let card = SoftCard::open(folder.join(folder::CARD))?;
        let last_try = LastTry::Refuse;
        let clock = &SystemClock;
        let mut channel = Channel { trust: &trust, outbox, last_try, clock, pin: &mut pin, screen: out };
        channel.confirm(bytes, card.insert()).map_err(Box::<dyn Error>::from)
    };
    confirm(&bytes, &mut outbox, out)?;
    let signed = outbox.signed(&bytes)?.ok_or("the outbox has lost the order")?;
    keep_for_others(folder, &signed)?;

    writeln!(out, "\n3. another channel gets the signed order, and asks nobody:")?;
    let pending = SignedOrder::parse(signed.to_json()?.as_bytes())?.verify(&trust, SystemTime::now())?;
    let (name, test) = (pending.name(), mark(pending.is_test()));
    writeln!(out, "   pending, {}, signed by {name}{test}", pending.order().total())?;

    writeln!(out, "\n4. the kiosk presents what waits in its outbox to the ledger:")?;
    let revocation = Revocation::new(&trust, RevocationRules::default());
    for list in fs::read_dir(folder.join("lists"))? {
        revocation.add_list(&fs::read(list?.path())?)?;
    }
    let mut ledger = Ledger::open(&folder.join("ledger.db"))?;
    let mut till = Till { trust: &trust, revocation: &revocation, fetch: &Offline, ledger: &mut ledger };
    for outcome in present(&mut till, &mut outbox)? {
        writeln!(out, "   {}", settled(&outcome?))?;
    }

    writeln!(out, "\n5. somebody presents the same order once more:")?;
    match till.settle(&signed, SystemTime::now()) {
        Err(PresentError::Refused(refusal @ Refusal::SameOrder(_))) => {
            writeln!(out, "   refused: {refusal}")?
        }
        _ => return Err("the ledger settled an order twice".into()),
    }

    writeln!(
        out,
        "\n6. a tobacconist makes another order for one of the notices, and the citizen confirms it as well:\n"
    )?;
    let again = Order::new(Draft {
        id: OrderId::draw(&mut SystemEntropy)?,
        channel: Place::Tobacconist,
        payer,
        issued: now,
        until: now + Duration::from_secs(86_400),
        notices: vec![canteen()?],
    })?;
    let mut tobacconist = Outbox::open(&folder.join("tobacconist.db"))?;
    confirm(&again.encode(), &mut tobacconist, out)?;
    for outcome in present(&mut till, &mut tobacconist)? {
        match outcome {
            Err(PresentError::Refused(refusal @ Refusal::Notice { .. })) => {
                writeln!(out, "   refused: {refusal}")?;
            }
            _ => return Err("the ledger settled a notice twice".into()),
        }
    }
    Ok(())
}

fn present(
    till: &mut Till<'_>,
    outbox: &mut Outbox,
) -> Result<Vec<Result<Receipt, PresentError>>, Box<dyn Error>> {
    let mut outcomes = Vec::new();
    till.present(outbox, SystemTime::now(), &mut |presented| outcomes.push(presented.outcome))?;
    Ok(outcomes)
}

/// The signature in the forms that other programs read.
fn keep_for_others(folder: &Path, signed: &SignedOrder) -> Result<(), Box<dyn Error>> {
    files::write_new(&folder.join("signed.json"), signed.to_json()?.as_bytes())?;
    files::write_new(&folder.join("signature.bin"), signed.signature())?;
    let certificate = PresentedCertificate::from_der(signed.certificate_der())?;
    files::write_new(&folder.join("certificate.pem"), certificate.to_pem()?.as_bytes())?;
    let key = cie::trust::Certificate::from_der(signed.certificate_der())?;
    files::write_new(&folder.join("key.der"), key.public_key_der())
}

/// Numbers with right check digits, and creditors' codes that pagoPA's own examples use.
fn tax() -> Result<Notice, Box<dyn Error>> {
    Ok(Notice {
        number: NoticeNumber::parse("302032002700000251")?,
        creditor: Creditor::parse("03334231200")?,
        amount: Cents::new(123_456).ok_or("no amount")?,
        name: Text::parse("Comune di Esempio")?,
        reason: Text::parse("TARI 2026, rata unica")?,
    })
}

fn canteen() -> Result<Notice, Box<dyn Error>> {
    Ok(Notice {
        number: NoticeNumber::parse("001721265093769322")?,
        creditor: Creditor::parse("00087640256")?,
        amount: Cents::new(8_750).ok_or("no amount")?,
        name: Text::parse("Città di Prova")?,
        reason: Text::parse("Mensa scolastica, ottobre")?,
    })
}
