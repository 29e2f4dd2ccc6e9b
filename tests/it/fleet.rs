//! Many phones. `BELLHOP_FLEET=2000` makes it more of them; the program `fleet` runs the same by itself.

use tests::fleet::{Plan, run};

use crate::support::Database;

#[tokio::test]
async fn fleet_every_phone_comes_online_takes_a_change_and_comes_back_after_a_kill() {
    let phones = std::env::var("BELLHOP_FLEET").map_or(200, |text| text.parse().expect("BELLHOP_FLEET is a number"));
    let database = Database::new().await;
    let plan = Plan { database: database.url.clone(), ..Plan::new(phones) };
    let report = run(&plan, |line| println!("{line}")).await.unwrap();
    println!("{report}");
    assert_eq!(report.verified, phones);
}
