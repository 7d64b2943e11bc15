//! The curve of a sweep as SVG: two panels over the parameter's values, for a browser or a document.
//!
//! Lines differ in dash and mark as well as in colour; every point carries its figures as a tooltip, and title and
//! description say what is drawn. No script, no font that must be loaded.

use std::fmt::Write as _;

/// What is drawn at one value of the parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) precision: Option<f64>,
    pub(crate) recall: Option<f64>,
    pub(crate) null_precision: Option<f64>,
    pub(crate) false_alarms: Option<f64>,
}

/// What stands around the curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) about: &'a str,
    /// The parameter with its unit.
    pub(crate) axis: &'a str,
    /// Where the rule stands now.
    pub(crate) present: Option<f64>,
    /// False alarms a year that are wanted at most.
    pub(crate) budget: Option<f64>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
/// Room between the axis and the first value.
const INSET: f64 = 20.0;
/// Top and bottom of the two panels.
const PANELS: [(f64, f64); 2] = [(72.0, 300.0), (352.0, 500.0)];

struct Line {
    name: &'static str,
    colour: &'static str,
    dash: &'static str,
    mark: Mark,
    read: fn(&Point) -> Option<f64>,
}

#[derive(Clone, Copy)]
enum Mark {
    Disc,
    Square,
    Ring,
    Diamond,
}

/// Colours of the Okabe–Ito palette, told apart by colour-blind readers too.
const SHARES: [Line; 3] = [
    Line { name: "precision", colour: "#0072b2", dash: "none", mark: Mark::Disc, read: |p| p.precision },
    Line { name: "recall", colour: "#b34700", dash: "8 4", mark: Mark::Square, read: |p| p.recall },
    Line {
        name: "precision by chance",
        colour: "#595959",
        dash: "2 4",
        mark: Mark::Ring,
        read: |p| p.null_precision,
    },
];
const FALSE: [Line; 1] = [Line {
    name: "false alarms a year",
    colour: "#117733",
    dash: "none",
    mark: Mark::Diamond,
    read: |p| p.false_alarms,
}];

/// The drawing.
pub(crate) fn curve(frame: &Frame<'_>, points: &[Point]) -> String {
    let (low, high) = span(points.iter().map(|p| p.value));
    let x = |value: f64| LEFT + INSET + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT - 2.0 * INSET);
    let most = points.iter().filter_map(|p| p.false_alarms).chain(frame.budget).fold(0.0_f64, f64::max);
    let tops = [1.0, step(most / 4.0) * (most / step(most / 4.0)).ceil().max(1.0)];
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"title about\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1a1a1a\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"about\">{}</desc>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
        escape(frame.title),
        escape(frame.about),
        escape(frame.title),
    );
    for ((lines, (top, bottom)), most) in [&SHARES[..], &FALSE[..]].into_iter().zip(PANELS).zip(tops) {
        let y = |value: f64| bottom - value / most * (bottom - top);
        legend(&mut out, lines, top - 18.0);
        grid(&mut out, most, &y);
        if most != 1.0
            && let Some(budget) = frame.budget
        {
            let _ = writeln!(
                out,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#a50026\" stroke-dasharray=\"6 3\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#a50026\">budget</text>",
                WIDTH - RIGHT,
                WIDTH - RIGHT,
                y(budget) + 15.0,
                y = round(y(budget)),
            );
        }
        if let Some(now) = frame.present.filter(|now| (low..=high).contains(now)) {
            let _ = writeln!(
                out,
                "<line x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#595959\"/>\
                 <text x=\"{:.1}\" y=\"{}\" fill=\"#595959\">now</text>",
                x(now) + 4.0,
                top + 12.0,
                x = round(x(now)),
            );
        }
        for line in lines {
            draw(&mut out, line, points, &x, &y);
        }
        for at in ticks(points) {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                x(at),
                bottom + 18.0,
                short(at)
            );
        }
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n</svg>\n",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 16.0,
        escape(frame.axis)
    );
    out
}

fn draw(out: &mut String, line: &Line, points: &[Point], x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) {
    let places: Vec<Option<(f64, f64)>> =
        points.iter().map(|p| (line.read)(p).map(|v| (round(x(p.value)), round(y(v))))).collect();
    let mut path = String::new();
    let mut pen = false;
    for place in &places {
        if let Some((x, y)) = place {
            let _ = write!(path, "{}{x} {y}", if pen { " L" } else { " M" });
        }
        // Where nothing is known the line has a gap.
        pen = place.is_some();
    }
    let Line { name, colour, dash, mark, .. } = line;
    let _ = writeln!(
        out,
        "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>",
        path.trim()
    );
    for (point, place) in points.iter().zip(places) {
        let (Some((x, y)), Some(value)) = (place, (line.read)(point)) else { continue };
        let _ = writeln!(
            out,
            "<g>{}<title>{} at {}: {}</title></g>",
            shape(*mark, x, y, colour),
            escape(name),
            short(point.value),
            short(value)
        );
    }
}

fn shape(mark: Mark, x: f64, y: f64, colour: &str) -> String {
    match mark {
        Mark::Disc => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\"/>"),
        Mark::Ring => {
            format!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            )
        }
        Mark::Square => {
            format!(
                "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"8\" fill=\"{colour}\"/>",
                round(x - 4.0),
                round(y - 4.0)
            )
        }
        Mark::Diamond => {
            let (l, r, t, b) = (round(x - 5.0), round(x + 5.0), round(y - 5.0), round(y + 5.0));
            format!("<path d=\"M{l} {y} L{x} {t} L{r} {y} L{x} {b} Z\" fill=\"{colour}\"/>")
        }
    }
}

fn legend(out: &mut String, lines: &[Line], y: f64) {
    let mut x = LEFT;
    for Line { name, colour, dash, mark, .. } in lines {
        let _ = writeln!(
            out,
            "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\" \
             stroke-dasharray=\"{dash}\"/>{}<text x=\"{}\" y=\"{}\">{}</text>",
            x + 36.0,
            shape(*mark, x + 18.0, y, colour),
            x + 44.0,
            y + 4.5,
            escape(name)
        );
        x += 72.0 + 7.5 * name.len() as f64;
    }
}

fn grid(out: &mut String, most: f64, y: &dyn Fn(f64) -> f64) {
    let step = if most == 1.0 { 0.25 } else { step(most / 4.0) };
    let mut at = 0.0;
    while at <= most * 1.0001 {
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{line}\" y2=\"{line}\" stroke=\"#d9d9d9\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y(at) + 4.5,
            short(at),
            line = round(y(at)),
        );
        at += step;
    }
}

/// At most nine values to write under the axis.
fn ticks(points: &[Point]) -> impl Iterator<Item = f64> {
    let every = points.len().div_ceil(9).max(1);
    points.iter().step_by(every).map(|p| p.value)
}

/// A round step: 1, 2 or 5 times a power of ten, not below `least`.
fn step(least: f64) -> f64 {
    if least <= 0.0 {
        return 0.25;
    }
    let mut power = 1e-6;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if power * factor >= least {
                return power * factor;
            }
        }
        power *= 10.0;
    }
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low < high { (low, high) } else { (low - 1.0, low + 1.0) }
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text for XML; what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(' '),
            c if super::steers(c) => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: f64, precision: Option<f64>, false_alarms: f64) -> Point {
        Point {
            value,
            precision,
            recall: Some(0.5),
            null_precision: Some(0.2),
            false_alarms: Some(false_alarms),
        }
    }

    #[test]
    fn text_is_escaped_and_a_gap_stays_a_gap() {
        let frame = Frame {
            title: "<script>alert('x')</script> & \u{1b}[31m",
            about: "a \"sweep\"",
            axis: "limit",
            present: Some(2.0),
            budget: Some(1.5),
        };
        let points = [point(1.0, Some(0.4), 3.0), point(2.0, None, 1.0), point(3.0, Some(1.0), 0.0)];
        let svg = curve(&frame, &points);
        assert!(svg.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; [31m</title>"), "{svg}");
        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("<desc id=\"about\">a &quot;sweep&quot;</desc>"), "{svg}");
        // Two strokes of one point each, not a line across what is not known.
        assert!(svg.contains("d=\"M84 208.8 M716 72\""), "{svg}");
        assert!(svg.contains("budget</text>") && svg.contains(">now</text>"), "{svg}");
        assert!(svg.contains("<title>false alarms a year at 2: 1</title>"), "{svg}");
    }

    #[test]
    fn one_value_and_no_figures_draw_too() {
        let frame = Frame { title: "t", about: "", axis: "x", present: None, budget: None };
        let empty =
            Point { value: 1.0, precision: None, recall: None, null_precision: None, false_alarms: None };
        assert!(curve(&frame, &[empty]).ends_with("</svg>\n"));
        assert!(!curve(&frame, &[empty]).contains("NaN"));
    }
}
