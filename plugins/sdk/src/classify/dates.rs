//! Points in time as vendors write them, as Unix time.

use crate::adapter::Millis;

/// An HTTP date in its one form that servers may still send (RFC 9110, section 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, as Unix time.
pub fn http_date(text: &str) -> Option<Millis> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let is_real = (1970..=9999).contains(&year) && (1..=31).contains(&day);
    // A leap second is the sixtieth.
    if words.next()? != "GMT" || !is_real || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let month = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .iter()
    .position(|name| *name == month)?;
    Some(seconds_since_1970((year, month, day), (hour, minute, second)) * 1000)
}

/// A time as JSON writes it (RFC 3339): `2026-08-19T14:34:12Z`, with a fraction or an offset too. None for
/// what is before 1970.
pub fn rfc3339(text: &str) -> Option<Millis> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute): (u64, u64) = (clock.next()?.parse().ok()?, clock.next()?.parse().ok()?);
    let second: f64 = clock.next()?.parse().ok()?;
    let is_real = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_real || hour > 23 || minute > 59 || !(0.0..61.0).contains(&second) {
        return None;
    }
    let minutes = seconds_since_1970((year, month as usize - 1, day), (hour, minute, 0)) * 1000;
    let local = minutes + (second * 1000.0).round() as Millis;
    local.checked_add_signed(-offset(zone)?)
}

/// `Z`, `+02:00` or `-02:00`, in milliseconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = zone.split_at_checked(1)?;
    if sign.eq_ignore_ascii_case("z") {
        return digits.is_empty().then_some(0);
    }
    let (hours, minutes) = digits.split_once(':')?;
    let minutes = i64::from(hours.parse::<u8>().ok()?) * 60 + i64::from(minutes.parse::<u8>().ok()?);
    Some(if sign == "-" { -minutes } else { minutes } * 60_000)
}

/// Year, month from 0, day; hour, minute, second.
fn seconds_since_1970((year, month, day): (u64, usize, u64), (hour, minute, second): (u64, u64, u64)) -> u64 {
    ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
}

/// `month` counts from 0. `year` is 1970 or later, by the Gregorian calendar.
fn days_since_1970(year: u64, month: usize, day: u64) -> u64 {
    const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days_before = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leap_days_before(year) > leap_days_before(year - 1);
    let leap_days = leap_days_before(year - 1) - leap_days_before(1969);
    let leap_day = u64::from(is_leap && month > 1);
    (year - 1970) * 365 + leap_days + DAYS_BEFORE[month] + leap_day + day - 1
}
