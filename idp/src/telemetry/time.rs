//! The time of a line.

use time::OffsetDateTime;

/// Pushes the time now, in UTC with microseconds (RFC 3339): `2026-01-01T00:00:00.000000Z`.
pub(super) fn push_now(line: &mut String) {
    push(line, OffsetDateTime::now_utc());
}

fn push(line: &mut String, time: OffsetDateTime) {
    digits::<4>(line, u32::try_from(time.year()).unwrap_or_default());
    line.push('-');
    digits::<2>(line, u8::from(time.month()).into());
    line.push('-');
    digits::<2>(line, time.day().into());
    line.push('T');
    digits::<2>(line, time.hour().into());
    line.push(':');
    digits::<2>(line, time.minute().into());
    line.push(':');
    digits::<2>(line, time.second().into());
    line.push('.');
    digits::<6>(line, time.microsecond());
    line.push('Z');
}

/// Pushes the last `N` digits of a number.
fn digits<const N: usize>(line: &mut String, mut number: u32) {
    let mut text = ['0'; N];
    for digit in text.iter_mut().rev() {
        *digit = char::from_digit(number % 10, 10).unwrap_or('0');
        number /= 10;
    }
    line.extend(text);
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::push;

    #[test]
    fn every_part_has_its_zeros() {
        let mut line = String::new();
        push(&mut line, datetime!(2026-03-04 05:06:07.000089 UTC));
        assert_eq!(line, "2026-03-04T05:06:07.000089Z");
        line.clear();
        push(&mut line, datetime!(9999-12-31 23:59:59.999999 UTC));
        assert_eq!(line, "9999-12-31T23:59:59.999999Z");
    }
}
