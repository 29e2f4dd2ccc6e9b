//! Restarting the phone, setting it back to how it left the factory, and asking it to call again later.

use contract::rest::Task;
use leptos::prelude::*;

use super::scope::PhoneScope;
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, Svg};
use crate::components::number_field::{NumberField, whole};

/// Minutes until the phone calls, at most a week.
const MINUTES: std::ops::RangeInclusive<u64> = 1..=10_080;

#[component]
pub fn Power(scope: PhoneScope) -> impl IntoView {
    let (rebooting, resetting) = (RwSignal::new(false), RwSignal::new(false));
    let order = move |task: Task, done: &'static str| {
        rebooting.set(false);
        resetting.set(false);
        scope.give(task, done);
    };
    let minutes = RwSignal::new("15".to_owned());
    let schedule = move || {
        if let Some(seconds) =
            whole(&minutes.get_untracked(), &MINUTES, "").ok().and_then(|m| u32::try_from(m * 60).ok())
        {
            scope.give(Task::ScheduleInform { delay_seconds: seconds }, "The phone is told when to call.");
        }
    };
    let busy_line = move || {
        scope.off_hook().then(|| {
            view! {
                <p class="note"><Svg icon=Icon::Alert/> "Its handset is off the hook: a call that is on now would be cut off."</p>
            }
        })
    };
    view! {
        <section class="card stack" aria-labelledby="power-title">
            <h2 id="power-title">"Restart"</h2>
            {busy_line}
            <div class="row wrap">
                <button type="button" class="button" data-testid="reboot" on:click=move |_| rebooting.set(true)>
                    <Svg icon=Icon::Sync/>
                    "Restart the phone"
                </button>
                <button type="button" class="button" data-testid="factory-reset" on:click=move |_| resetting.set(true)>
                    <Svg icon=Icon::Trash/>
                    "Factory reset"
                </button>
            </div>
            <form class="stack" novalidate on:submit=move |event| {
                event.prevent_default();
                schedule();
            }>
                <NumberField id="inform-minutes" label="Have it call Bellhop in" value=minutes limits=MINUTES unit="minutes"/>
                <div class="row">
                    <button type="submit" class="button" data-testid="schedule-inform">
                        <Svg icon=Icon::Clock/>
                        "Schedule the call"
                    </button>
                </div>
            </form>
            <Dialog open=rebooting title="Restart the phone?" testid="reboot-dialog">
                <p>{move || format!("This restarts {}. It is back within a minute or two and keeps everything.", scope.called())}</p>
                {busy_line}
                <div class="row end">
                    <button type="button" class="button" on:click=move |_| rebooting.set(false)>"Keep it running"</button>
                    <button type="button" class="button primary" data-testid="reboot-yes" on:click=move |_| order(Task::Reboot, "The phone is told to restart.")>
                        "Restart"
                    </button>
                </div>
            </Dialog>
            <Dialog open=resetting title="Set it back to factory settings?" testid="reset-dialog">
                <p>{move || format!("This erases everything on {}: accounts, room number, phone book. It restarts, and Bellhop sets it up again if it still finds its way here.", scope.called())}</p>
                <p class="quiet-text">"A phone whose address of Bellhop was typed in by hand does not come back by itself."</p>
                {busy_line}
                <div class="row end">
                    <button type="button" class="button" on:click=move |_| resetting.set(false)>"Keep it as it is"</button>
                    <button type="button" class="button danger" data-testid="reset-yes" on:click=move |_| order(Task::FactoryReset, "The phone is told to reset itself.")>
                        "Erase and reset"
                    </button>
                </div>
            </Dialog>
        </section>
    }
}
