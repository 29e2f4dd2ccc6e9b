//! SQLite's one writer. What writes queues here, fairly, and without the time-out of waiting inside SQLite; and those who
//! queue share a commit: each writes behind a savepoint of its own, and the last of them has all of it synced to disk at
//! once. Nobody is told that something is kept before it is on disk. Who is alone commits alone, and waits for nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseTransaction, DbErr, TransactionTrait};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// Savepoints in one transaction at most.
const MOST: usize = 64;
/// A transaction that was open for longer takes nobody else in.
const LONGEST: Duration = Duration::from_millis(20);

/// The queue.
#[derive(Clone, Default)]
pub(super) struct Writer {
    open: Arc<Mutex<Option<Open>>>,
    /// How many wait for their turn. Only a hint: whoever is counted may give up.
    waiting: Arc<AtomicUsize>,
}

/// A transaction several share.
struct Open {
    tx: DatabaseTransaction,
    since: Instant,
    /// Those who have written and wait for the disk.
    written: Vec<oneshot::Sender<Result<(), Arc<DbErr>>>>,
}

/// The right to write. Given up without [`Turn::commit`], it commits what others wrote before.
pub(super) struct Turn {
    writer: Writer,
    open: Option<OwnedMutexGuard<Option<Open>>>,
}

/// Counts somebody who waits.
struct Waiting<'a> {
    writer: &'a Writer,
    served: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let last = self.writer.waiting.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && !self.served {
            // Somebody may have left the transaction open for the one who gives up here.
            let open = self.writer.open.clone();
            spawn(async move { finish(open.lock_owned().await).await });
        }
    }
}

impl Writer {
    /// Waits for the turn and opens a savepoint. `begin` begins a transaction, where none is open.
    pub(super) async fn begin<F>(
        &self,
        begin: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(DatabaseTransaction, Turn), DbErr>
    where
        F: Future<Output = Result<DatabaseTransaction, DbErr>> + Send,
    {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut waiting = Waiting { writer: self, served: false };
        let guard = self.open.clone().lock_owned().await;
        waiting.served = true;
        drop(waiting);
        // From here on a turn that ends early, for whatever reason, leaves nobody waiting.
        let mut turn = Turn { writer: self.clone(), open: Some(guard) };
        // To its end, also if whoever asked gives up meanwhile. Of a `begin` cut off half way sqlx rolls back the
        // savepoint, and sea-orm then rolls back once more: all that the others have written.
        let begun = tokio::spawn(async move {
            let tx = turn.savepoint(begin).await?;
            Ok((tx, turn))
        });
        begun.await.map_err(|error| DbErr::Custom(format!("no transaction: {error}")))?
    }
}

impl Turn {
    async fn savepoint<F>(&mut self, begin: impl FnOnce() -> F) -> Result<DatabaseTransaction, DbErr>
    where
        F: Future<Output = Result<DatabaseTransaction, DbErr>>,
    {
        let open = self.open.as_mut().ok_or_else(|| DbErr::Custom("no turn".to_owned()))?;
        if open.is_none() {
            **open = Some(Open { tx: begin().await?, since: Instant::now(), written: Vec::new() });
        }
        let shared = open.as_ref().ok_or_else(|| DbErr::Custom("no transaction".to_owned()))?;
        shared.tx.begin().await
    }

    /// After the savepoint was released: returns when it is on disk.
    pub(super) async fn commit(mut self) -> Result<(), DbErr> {
        let Some(mut guard) = self.open.take() else { return Ok(()) };
        let Some(open) = guard.as_mut() else { return Ok(()) };
        let more = self.writer.waiting.load(Ordering::SeqCst) > 0;
        let (sender, on_disk) = oneshot::channel();
        open.written.push(sender);
        if !more || open.written.len() >= MOST || open.since.elapsed() > LONGEST {
            // Not here: if this request is given up meanwhile, the others still want their commit.
            spawn(finish(guard));
        } else {
            // Given back as it is: the next in the queue goes on with it.
            self.open = Some(guard);
            drop(self);
        }
        match on_disk.await {
            Ok(committed) => committed.map_err(|error| DbErr::Custom(format!("not committed: {error}"))),
            Err(_) => Err(DbErr::Custom("not committed: the transaction ended".to_owned())),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(guard) = self.open.take() else { return };
        if guard.is_some() && self.writer.waiting.load(Ordering::SeqCst) == 0 {
            spawn(finish(guard));
        }
    }
}

fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    // Without a runtime the process ends, and the transaction with it.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Commits what is open and tells everybody who wrote.
async fn finish(mut guard: OwnedMutexGuard<Option<Open>>) {
    let Some(open) = guard.take() else { return };
    let committed = open.tx.commit().await.map_err(Arc::new);
    drop(guard);
    for written in open.written {
        // Whoever wrote may have gone.
        let _ = written.send(committed.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;
    use std::time::Duration;

    use sea_orm::{ConnectionTrait, EntityTrait};

    use crate::db::Db;
    use crate::db::entity::quarantine;

    async fn database() -> (Arc<Db>, tempfile::TempDir) {
        let (db, folder) = crate::db::scratch(4).await;
        (Arc::new(db), folder)
    }

    fn row(number: usize) -> String {
        format!("INSERT INTO quarantine (at, source, reason, sample) VALUES ({number}, '', '', '')")
    }

    async fn kept(db: &Db) -> Vec<i64> {
        let mut all: Vec<i64> =
            quarantine::Entity::find().all(db.read()).await.unwrap().into_iter().map(|row| row.at).collect();
        all.sort_unstable();
        all
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_share_a_commit_and_each_is_kept_or_not_by_itself() {
        let (db, _folder) = database().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..300 {
            let db = db.clone();
            tasks.spawn(async move {
                let write = db.write_beside().await.unwrap();
                write.tx.execute_unprepared(&row(number)).await.unwrap();
                match number % 3 {
                    0 => write.commit().await.unwrap(),
                    // An error of one is none of the others.
                    1 => assert!(write.tx.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.is_err()),
                    _ => drop(write),
                }
                // What was committed is there for everybody at once.
                if number % 3 == 0 {
                    assert!(kept(&db).await.contains(&(number as i64)));
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(kept(&db).await, (0..300).filter(|number| number % 3 == 0).collect::<Vec<i64>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_gives_up_leaves_nobody_waiting() {
        let (db, _folder) = database().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..400_usize {
            let db = db.clone();
            let work = async move {
                let write = db.write_beside().await.unwrap();
                write.tx.execute_unprepared(&row(number)).await.unwrap();
                write.commit().await.unwrap();
            };
            tasks.spawn(async move {
                match number % 2 {
                    0 => work.await,
                    // Given up wherever it is after so many steps.
                    _ => {
                        let (mut work, mut steps) = (std::pin::pin!(work), number / 2 % 20);
                        std::future::poll_fn(|context| match steps.checked_sub(1) {
                            Some(left) => {
                                steps = left;
                                work.as_mut().poll(context)
                            }
                            None => Poll::Ready(()),
                        })
                        .await;
                    }
                }
            });
        }
        let all = async {
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("nobody waits for ever");
        let kept = kept(&db).await;
        assert!((0..400).step_by(2).all(|number| kept.contains(&number)));
    }
}
