//! Signing in.

use contract::rest::Login;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::{ApiError, use_api};
use crate::app::use_title;
use crate::components::empty::FormError;
use crate::components::icon::{Icon, Svg};
use crate::components::nav::ThemeToggle;

#[component]
pub fn LoginPage() -> impl IntoView {
    use_title(|| "Sign in".into());
    let api = use_api();
    let navigate = use_navigate();
    let query = use_query_map();
    // Only paths of this site, never another one.
    let next = move || {
        let next = query.read_untracked().get("next").unwrap_or_default();
        if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') { next } else { "/".into() }
    };
    Effect::new(move |_| {
        if api.signed_in() {
            navigate(&next(), leptos_router::NavigateOptions { replace: true, ..Default::default() });
        }
    });
    // Read from the inputs themselves: password managers fill them without telling.
    let (email, password) = (NodeRef::<Input>::new(), NodeRef::<Input>::new());
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    Effect::new(move |_| {
        if let Some(input) = email.get() {
            let _ = input.focus();
        }
    });
    let text = |input: NodeRef<Input>| input.get_untracked().map(|input| input.value()).unwrap_or_default();
    let submit = move || {
        let login = Login { email: text(email).trim().to_owned(), password: text(password) };
        if busy.get_untracked() {
            return;
        }
        if login.email.is_empty() || login.password.is_empty() {
            error.set(Some(ApiError::local(
                "required",
                "Something is missing.",
                "Enter your e-mail address and your password.",
            )));
            return;
        }
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = api.login(login).await;
            let _ = busy.try_set(false);
            if let Err(problem) = answer {
                let _ = error.try_set(Some(problem));
                if let Some(input) = password.try_get_untracked().flatten() {
                    let _ = input.focus();
                    input.select();
                }
            }
        });
    };
    view! {
        <main class="login">
            <div class="login-corner"><ThemeToggle/></div>
            <form
                class="card login-card stack"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <div class="brand big">
                    <span class="brand-mark"><Svg icon=Icon::Bell/></span>
                    "Bellhop"
                </div>
                <h1>"Sign in"</h1>
                <p class="quiet-text">"Room phones of all your hotels, in one place."</p>
                {move || api.notice.get().map(|notice| view! { <p class="note" role="status"><Svg icon=Icon::Clock/> {notice}</p> })}
                <div class="field">
                    <label for="email">"E-mail address"</label>
                    <input
                        id="email"
                        type="email"
                        autocomplete="username"
                        autocapitalize="off"
                        spellcheck="false"
                        required
                        node_ref=email
                        data-testid="login-email"
                    />
                </div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <input
                        id="password"
                        type="password"
                        autocomplete="current-password"
                        required
                        node_ref=password
                        data-testid="login-password"
                    />
                </div>
                <FormError error fields=&[]/>
                <button type="submit" class="button primary wide" data-testid="login-submit" disabled=move || busy.get()>
                    {move || if busy.get() { "Signing in…" } else { "Sign in" }}
                </button>
            </form>
        </main>
    }
}
