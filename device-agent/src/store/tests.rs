use super::*;
use crate::clock::now;
use proptest::prelude::*;

fn open(dir: &Path) -> Store {
    Store::open(Storage::Disk(dir.to_owned())).unwrap()
}

fn change(key: &str, value: &str) -> Change {
    (intern(key), Some(value.to_owned()))
}

#[test]
fn what_is_set_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let effects = store
        .set(
            &[change("hotel.room.number", "1207"), change("account.1.sip.subscriber.password", "s3cret")],
            now(),
            |d| {
                d.version = 4;
                d.parameter_key = "bh:4".into();
            },
        )
        .unwrap();
    assert_eq!(effects.len(), 2);
    // The same again changes nothing.
    assert!(store.set(&[change("hotel.room.number", "1207")], now(), |_| {}).unwrap().is_empty());
    let again = open(dir.path());
    assert_eq!(again.value("hotel.room.number"), Some("1207"));
    assert_eq!(again.value("account.1.sip.subscriber.password"), Some("s3cret"));
    assert_eq!((again.document().version, again.document().parameter_key.as_str()), (4, "bh:4"));
    assert_eq!(again.effects(), effects);
    let log = std::fs::read_to_string(dir.path().join(EFFECTS_FILE)).unwrap();
    assert!(!log.contains("s3cret") && log.contains("***") && log.contains("bh:4"), "{log}");
    assert!(!format!("{again:?}").contains("s3cret"));
}

#[test]
fn a_crash_between_document_and_log_loses_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join(EFFECTS_FILE);
    let mut store = open(dir.path());
    store.set(&[change("hotel.name", "A")], now(), |_| {}).unwrap();
    let before = std::fs::read(&log).unwrap();
    store
        .set(&[change("hotel.name", "B"), change("hotel.fax", "1"), change("hotel.telephone", "2")], now(), |_| {})
        .unwrap();
    let whole = std::fs::read(&log).unwrap();
    // Wherever the second append was cut off, a start completes it.
    for length in before.len()..=whole.len() {
        std::fs::write(&log, &whole[..length]).unwrap();
        open(dir.path());
        assert_eq!(std::fs::read(&log).unwrap(), whole, "cut at {length}");
    }
    std::fs::remove_file(&log).unwrap();
    assert_eq!(open(dir.path()).effects().len(), 3);
}

#[test]
fn a_damaged_file_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(SETTINGS_FILE), "{\"generation\":").unwrap();
    assert!(open(dir.path()).document().values.is_empty());
    assert!(dir.path().join("settings.damaged").exists());
}

#[test]
fn memory_needs_no_disk_and_remembers_a_bounded_past() {
    let mut store = Store::open(Storage::Memory).unwrap();
    for n in 0..MEMORY_EFFECTS + 10 {
        store.set(&[change("hotel.room.number", &n.to_string())], now(), |_| {}).unwrap();
    }
    assert_eq!(store.effects().len(), MEMORY_EFFECTS);
    assert_eq!(store.value("hotel.room.number"), Some("265"));
}

#[test]
fn nothing_changes_when_the_disk_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.set(&[change("hotel.name", "A")], now(), |_| {}).unwrap();
    // A directory in the temporary file's place: the write fails, whoever runs the test.
    std::fs::create_dir(dir.path().join(".settings.json.new")).unwrap();
    assert!(store.set(&[change("hotel.name", "B")], now(), |d| d.version = 9).is_err());
    assert!(store.update(|d| d.version = 9).is_err());
    assert_eq!((store.value("hotel.name"), store.document().version), (Some("A"), 0));
}

proptest! {
    // Each step syncs a file.
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The document after any changes is what a map would hold, in memory and on disk, and the log tells each change once.
    #[test]
    fn behaves_like_a_map(changes in proptest::collection::vec((0usize..4, proptest::option::of("[a-c]{0,2}"), any::<bool>()), 0..20)) {
        const KEYS: [&str; 4] = ["hotel.name", "hotel.fax", "hotel.room.number", "tr069.password"];
        let dir = tempfile::tempdir().unwrap();
        let (mut disk, mut memory) = (open(dir.path()), Store::open(Storage::Memory).unwrap());
        let mut model = std::collections::BTreeMap::new();
        let mut expected = 0;
        for (key, value, restart) in changes {
            let change = (intern(KEYS[key]), value.clone());
            let a = disk.set(std::slice::from_ref(&change), now(), |_| {}).unwrap();
            let b = memory.set(&[change], now(), |_| {}).unwrap();
            let old = match value.clone() {
                Some(value) => model.insert(KEYS[key], value),
                None => model.remove(KEYS[key]),
            };
            expected += usize::from(old != value);
            prop_assert_eq!(a.len(), b.len());
            if restart { disk = open(dir.path()); }
        }
        for store in [&disk, &memory] {
            prop_assert_eq!(store.document().values.len(), model.len());
            for (key, value) in &model { prop_assert_eq!(store.value(key), Some(value.as_str())); }
            prop_assert_eq!(store.effects().len(), expected);
        }
    }
}
