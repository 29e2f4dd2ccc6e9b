//! What a task does, and what came of it, in words for people.

use contract::rest::*;
use cwmp::{Fault, FaultCode, TransferFault};

/// What the task does. `file` is the name of the file it is about.
pub fn summary(task: &Task, file: Option<&str>) -> String {
    let short = |text: &str| text.chars().take(120).collect::<String>();
    match task {
        Task::Refresh { path } if path.is_empty() => "Read all parameters".to_owned(),
        Task::Refresh { path } => format!("Read {}", short(path)),
        Task::SetParameters { values } => match values.as_slice() {
            [one] => format!("Set {}", short(&one.path)),
            many => format!("Set {} parameters", many.len()),
        },
        Task::SetAttributes { attributes } => match attributes.as_slice() {
            [one] => format!("Notify about {}: {}", short(&one.path), notification(one.notification)),
            many => format!("Set notification of {} parameters", many.len()),
        },
        Task::AddObject { object } => format!("Add an object to {}", short(object)),
        Task::DeleteObject { object } => format!("Delete {}", short(object)),
        Task::Reboot => "Restart the phone".to_owned(),
        Task::FactoryReset => "Reset the phone to factory settings".to_owned(),
        Task::Download(order) => {
            let what = file.or(order.url.as_deref()).unwrap_or("a file");
            format!("Send {} to the phone ({})", short(what), type_name(&order.file_type))
        }
        Task::Upload { file_type, .. } => format!("Fetch the phone's {}", type_name(file_type)),
        Task::ScheduleInform { delay_seconds } => format!("Ask the phone to call in after {delay_seconds} s"),
        Task::ScheduleDownload { file_type, .. } => {
            format!("Send {} to the phone at a set time ({})", file.unwrap_or("a file"), type_name(file_type))
        }
        Task::CancelTransfer { .. } => "Cancel a transfer".to_owned(),
        Task::Transfers => "List the phone's transfers".to_owned(),
        Task::Methods => "List the methods the phone knows".to_owned(),
        Task::Ping(ping) => format!("Ping {}", ping.host),
        Task::Traceroute(trace) => format!("Trace the route to {}", trace.host),
        Task::Throughput(test) => match test.direction {
            Direction::Download => "Measure how fast the phone receives".to_owned(),
            Direction::Upload => "Measure how fast the phone sends".to_owned(),
        },
        Task::InstallUnit { url, .. } => format!("Install {}", short(url)),
    }
}

/// "Firmware Upgrade Image" of "1 Firmware Upgrade Image".
fn type_name(file_type: &str) -> &str {
    file_type.split_once(' ').map_or(file_type, |(_, name)| name)
}

fn notification(level: u32) -> &'static str {
    match level {
        0 => "off",
        1 => "passive",
        _ => "active",
    }
}

/// What came of a task that is done.
pub fn done(result: &TaskResult) -> String {
    match result {
        TaskResult::Parameters { count: 1 } => "One parameter.".to_owned(),
        TaskResult::Parameters { count } => format!("{count} parameters."),
        TaskResult::Object { instance } => format!("The new object has the number {instance}."),
        TaskResult::Transfer { file: Some(_), .. } => "The phone sent its file.".to_owned(),
        TaskResult::Transfer { .. } => "The transfer is complete.".to_owned(),
        TaskResult::Transfers { transfers } => match transfers.len() {
            0 => "The phone has no transfers.".to_owned(),
            1 => "One transfer.".to_owned(),
            many => format!("{many} transfers."),
        },
        TaskResult::Methods { methods } => format!("The phone knows {} methods.", methods.len()),
        TaskResult::Ping(ping) => {
            let came = format!("{} of {} came back", ping.received, ping.sent);
            match ping.round_trip_ms() {
                Some((least, mean, most)) => format!("{came}: {least:.1} / {mean:.1} / {most:.1} ms."),
                None => format!("{came}."),
            }
        }
        TaskResult::Traceroute(trace) => {
            let hops = trace.hops.len();
            let found = if trace.reached { "reached" } else { "not reached" };
            format!("{} {found} over {hops} hops.", trace.address)
        }
        TaskResult::Throughput(test) => {
            format!("{:.1} Mbit/s over {:.1} s.", test.bits_per_second as f64 / 1e6, test.duration_ms / 1000.0)
        }
        TaskResult::Fault(fault) => fault_note(fault),
    }
}

/// A refusal in one sentence.
pub fn fault_note(fault: &FaultView) -> String {
    let own = match fault.text.trim() {
        "" => String::new(),
        text if text.eq_ignore_ascii_case(&fault.meaning) => String::new(),
        text => format!(" It said: {}.", text.trim_end_matches('.').chars().take(200).collect::<String>()),
    };
    let parameters: Vec<String> = fault
        .parameters
        .iter()
        .take(5)
        .map(|one| format!(" {}: {} ({}). {}", one.path, one.meaning, one.code, one.advice))
        .collect();
    format!("{} ({}).{own}{} {}", fault.meaning, fault.code, parameters.concat(), fault.advice)
}

pub fn fault(fault: &Fault) -> FaultView {
    FaultView {
        parameters: fault
            .parameters
            .iter()
            .take(100)
            .map(|one| ParameterFault {
                path: one.name.clone(),
                code: one.code.0,
                text: cut(&one.text),
                meaning: one.code.text().to_owned(),
                advice: one.code.advice().to_owned(),
            })
            .collect(),
        ..of_code(fault.code, &fault.text)
    }
}

pub fn transfer_fault(fault: &TransferFault) -> FaultView {
    of_code(fault.code, &fault.text)
}

fn of_code(code: FaultCode, text: &str) -> FaultView {
    FaultView {
        code: code.0,
        text: cut(text),
        meaning: code.text().to_owned(),
        advice: code.advice().to_owned(),
        parameters: Vec::new(),
    }
}

/// The phone's own words, short and printable.
fn cut(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
