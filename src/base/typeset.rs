//! Numbers and units in plain type, as figures and sentences show them.

/// A unit in plain type, "" for plain numbers: `g/(m2 h)` → "g/(m² h)".
pub fn unit(text: &str) -> String {
    if text.trim() == "1" {
        return String::new();
    }
    // `u` stands for micro where µ is hard to type.
    let micro = |word: &str| ["um", "ul", "uL", "ug", "uM"].iter().any(|short| word.starts_with(short));
    let text = text
        .split_inclusive(['/', ' ', '(', '*'])
        .map(|word| if micro(word) { word.replacen('u', "µ", 1) } else { word.to_owned() });
    let text: String = text.collect();
    let raised = |digit: char| digit.to_digit(10).and_then(|value| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(value as usize));
    let mut out = String::new();
    let mut raising = false;
    for letter in text.chars() {
        let after_letter = out.chars().last().is_some_and(|last| last.is_alphabetic() || "⁰¹²³⁴⁵⁶⁷⁸⁹".contains(last));
        match (letter, raised(letter)) {
            ('^', _) => raising = true,
            ('-', _) if raising => out.push('⁻'),
            (_, Some(sign)) if raising || after_letter => out.push(sign),
            _ => {
                raising = false;
                out.push(letter);
            }
        }
    }
    out
}

/// A title with its unit: "Swelling [mm]".
pub fn with_unit(name: &str, text: &str) -> String {
    match unit(text) {
        unit if unit.is_empty() => name.to_owned(),
        unit => format!("{name} [{unit}]"),
    }
}

/// A number with three digits that count, in plain type: 0.0123, 4.57, 1230, 1.2·10⁷.
pub fn short(value: f64) -> String {
    rounded(value, 3)
}

/// A number with two digits that count, for sentences.
pub fn brief(value: f64) -> String {
    rounded(value, 2)
}

fn rounded(value: f64, figures: i32) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let power = value.abs().log10().floor() as i32;
    let text = if (-3..6).contains(&power) {
        let digits = (figures - 1 - power).max(0) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        let mantissa = format!("{:.1}", value / 10f64.powi(power));
        format!("{}·{}", mantissa.trim_end_matches(".0"), ten_to(power))
    };
    text.replace('-', "−")
}

/// A power of ten: 10⁻³.
pub fn ten_to(power: i32) -> String {
    let signs: String = power
        .to_string()
        .chars()
        .map(|letter| letter.to_digit(10).and_then(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize)).unwrap_or('⁻'))
        .collect();
    format!("10{signs}")
}
