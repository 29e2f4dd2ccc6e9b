//! PESQ over loss as an SVG: single losses and bursts, Opus and G.711.

use std::fmt::Write;

use crate::report::Report;
use crate::table::Row;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 34.0;
const INSIDE: (f64, f64) = (360.0, 220.0);
const OURS: [&str; 3] = ["#0b6e4f", "#4daf7c", "#9ad2b4"];
const PEERS: [&str; 2] = ["#c8553d", "#e39b8b"];

/// Four panels side by side and one above the other, with a legend below each column.
pub fn svg(report: &Report) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        WIDTH * 2.0,
        HEIGHT * 2.0 + 110.0
    );
    for (column, codec) in ["Opus", "G.711"].into_iter().enumerate() {
        let x = WIDTH * column as f64;
        for (line, bursts) in [false, true].into_iter().enumerate() {
            let y = HEIGHT * line as f64;
            let _ = writeln!(text, "<g transform=\"translate({x} {y})\">");
            panel(&mut text, report, codec, bursts);
            text.push_str("</g>\n");
        }
        for (number, (who, name)) in report.columns(codec).iter().enumerate() {
            let y = HEIGHT * 2.0 + 14.0 + 17.0 * number as f64;
            let colour = colour(&report.columns(codec), number);
            let _ = writeln!(
                text,
                "<rect x=\"{}\" y=\"{}\" width=\"18\" height=\"3\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{y}\">{who}: {name}</text>",
                x + LEFT,
                y - 5.0,
                x + LEFT + 26.0
            );
        }
    }
    text.push_str("</svg>\n");
    text
}

/// Ours are green, the peer's red, each paler than the one before.
fn colour(columns: &[(String, String)], number: usize) -> &'static str {
    let ours = |number: &usize| columns.get(*number).is_some_and(|(who, _)| who == "phone-core");
    let place = (0..number).filter(|other| ours(other) == ours(&number)).count();
    let palette: &[&'static str] = if ours(&number) { &OURS } else { &PEERS };
    palette.get(place).copied().unwrap_or("black")
}

fn at(loss: f64, pesq: f64) -> (f64, f64) {
    (LEFT + loss / 30.0 * INSIDE.0, TOP + (4.6 - pesq) / 3.6 * INSIDE.1)
}

fn panel(text: &mut String, report: &Report, codec: &str, bursts: bool) {
    let what = if bursts { "losses in bursts of 2.5 packets" } else { "single losses" };
    let _ = writeln!(text, "<text x=\"{LEFT}\" y=\"20\" font-size=\"13\" font-weight=\"bold\">{codec}, {what}</text>");
    for pesq in [1.0, 2.0, 3.0, 4.0] {
        let ((x0, y), (x1, _)) = (at(0.0, pesq), at(30.0, pesq));
        let _ = writeln!(
            text,
            "<line x1=\"{x0}\" y1=\"{y}\" x2=\"{x1}\" y2=\"{y}\" stroke=\"#dddddd\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{pesq:.0}</text>",
            x0 - 6.0,
            y + 4.0
        );
    }
    for loss in [0, 5, 10, 20, 30] {
        let (x, y) = at(f64::from(loss), 1.0);
        let _ = writeln!(text, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{loss} %</text>", y + 16.0);
    }
    for (number, (who, name)) in report.columns(codec).iter().enumerate() {
        let colour = colour(&report.columns(codec), number);
        let belongs = |row: &&Row| {
            let conditions = &row.conditions;
            let kind = conditions.loss == 0 || conditions.burst.is_some() == bursts;
            row.who == *who && row.codec == *name && conditions.jitter_ms == 20 && kind
        };
        let points: Vec<(f64, f64)> =
            report.rows.iter().filter(belongs).map(|row| at(f64::from(row.conditions.loss), row.pesq.mean)).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
}
