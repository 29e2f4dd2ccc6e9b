//! A phone's configuration as a file for people: without secrets, or with them behind a password.

use contract::PhoneId;
use contract::rest::{ConfigAudience, ConfigFormat, SealedExport};
use provisioning::crypt::Digest;
use provisioning::{Audience, Document, Format, WriteOptions, write};
use sea_orm::EntityTrait;

use super::file;
use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit, desired, views};
use crate::db::entity::phone;
use crate::domain::catalogue;
use crate::domain::layers::Desired;
use crate::secrets::random;

/// Characters of a password that seals a file.
pub(super) const PASSWORD: std::ops::RangeInclusive<usize> = 12..=64;

/// A file to be kept by whoever asked.
pub struct Export {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// What a phone is to be, without secrets: their names stand in a comment.
pub async fn plain(app: &App, id: PhoneId, format: ConfigFormat, audience: ConfigAudience) -> Result<Export> {
    let (phone, mut document, _) = load(app, id).await?;
    let hidden = hide_secrets(&mut document);
    let (written, extension) = make(&document, format, audience)?;
    let bytes = match format {
        ConfigFormat::Binary => written,
        ConfigFormat::Text | ConfigFormat::PText => with_comment(&written, "# ", "", &hidden),
        ConfigFormat::Xml | ConfigFormat::GroupedXml | ConfigFormat::PXml => {
            with_comment(&written, "<!-- ", " -->", &hidden)
        }
    };
    let content_type = match format {
        ConfigFormat::Binary => "application/octet-stream",
        ConfigFormat::Text | ConfigFormat::PText => "text/plain; charset=utf-8",
        _ => "application/xml",
    };
    Ok(Export { name: format!("cfg{}{extension}", phone.mac), content_type, bytes })
}

/// The same with every secret, encrypted.
pub async fn sealed(app: &App, actor: &Actor, id: PhoneId, wanted: &SealedExport) -> Result<Export> {
    check_password(&wanted.password)?;
    let word = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let format: ConfigFormat = word(&wanted.format, "xml")
        .parse()
        .map_err(|()| invalid("format", "The format is xml, grouped-xml, p-xml, txt, p-txt or binary."))?;
    let audience: ConfigAudience =
        word(&wanted.audience, "bellhop").parse().map_err(|()| invalid("audience", "It is vendor or bellhop."))?;
    let (phone, document, _) = load(app, id).await?;
    let (written, extension) = make(&document, format, audience)?;
    let bytes = provisioning::crypt::encrypt(&written, &wanted.password, random(), Digest::Md5);
    let write = app.db.write_beside().await?;
    audit::record(&write.tx, actor, "phone.export", &id.to_string(), format!("{}, with secrets", phone.mac)).await?;
    write.commit().await?;
    Ok(Export { name: format!("cfg{}{extension}.enc", phone.mac), content_type: "application/octet-stream", bytes })
}

pub(super) fn check_password(password: &str) -> Result<()> {
    if !PASSWORD.contains(&password.chars().count()) || password.chars().any(char::is_control) {
        let (least, most) = (PASSWORD.start(), PASSWORD.end());
        return Err(invalid("password", format!("A password that seals a file has {least} to {most} characters.")));
    }
    Ok(())
}

/// A phone, what it is to be in clear, and where each value comes from.
pub(super) async fn load(app: &App, id: PhoneId) -> Result<(phone::Model, Document, Desired)> {
    let phone = phone::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("phone"))?;
    desired::accepted(&phone)?;
    let desired = desired::wanted(app.db.read(), phone.id).await?;
    let (document, _) = file::document(app, &phone, &desired)?;
    Ok((phone, document, desired))
}

/// Takes secrets out; their keys.
pub(super) fn hide_secrets(document: &mut Document) -> Vec<String> {
    let secrets: Vec<String> =
        document.iter().map(|(key, _)| key).filter(|key| catalogue::is_secret(key)).map(str::to_owned).collect();
    for key in &secrets {
        document.remove(key);
    }
    secrets
}

pub(super) fn make(
    document: &Document,
    format: ConfigFormat,
    audience: ConfigAudience,
) -> Result<(Vec<u8>, &'static str)> {
    let (format, extension) = match format {
        ConfigFormat::Xml => (Format::AliasXml, ".xml"),
        ConfigFormat::GroupedXml => (Format::GroupedXml, ".xml"),
        ConfigFormat::PXml => (Format::PValueXml, ".xml"),
        ConfigFormat::Text => (Format::Text, ".txt"),
        ConfigFormat::PText => (Format::PValueText, ".txt"),
        ConfigFormat::Binary => (Format::Binary, ""),
    };
    let audience = match audience {
        ConfigAudience::Vendor => Audience::Vendor,
        ConfigAudience::Bellhop => Audience::Bellhop,
    };
    let written = write(document, format, &WriteOptions::new(audience)).map_err(anyhow::Error::from)?;
    Ok((written.bytes, extension))
}

/// Says at a file's beginning (after the XML declaration) what is not in it.
fn with_comment(file: &[u8], before: &str, after: &str, hidden: &[String]) -> Vec<u8> {
    if hidden.is_empty() {
        return file.to_vec();
    }
    let comment = format!("{before}Secrets are not in this file: {}{after}\n", hidden.join(", "));
    let declared = file.starts_with(b"<?xml");
    let at = if declared { file.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1) } else { 0 };
    let (head, rest) = file.split_at(at);
    [head, comment.as_bytes(), rest].concat()
}

/// The MAC address people know a phone by, for messages.
pub(super) fn name_of(phone: &phone::Model) -> String {
    views::mac(phone).to_string()
}
