//! Questions of many tasks, put to the database as one: whatever waits when a query ends is asked in the next. A question
//! that is alone is asked at once by the task that has it, so nobody waits for company.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::oneshot;

/// Questions in one query at most. Their number is rounded up to a power of two by repeating the last, so that the
/// database prepares few statements.
const MOST: usize = 256;
/// Questions that may wait; more are not taken.
const WAITING: usize = 4096;

/// Answers between 1 and 256 questions. One that is left out has no answer; one that is there twice has it once.
type Query<Q, A> = fn(DatabaseConnection, Vec<Q>) -> BoxFuture<'static, Result<HashMap<Q, A>, DbErr>>;

/// Where tasks ask.
pub struct Gather<Q, A>(Arc<Shared<Q, A>>);

struct Shared<Q, A> {
    db: DatabaseConnection,
    query: Query<Q, A>,
    queue: Mutex<Queue<Q, A>>,
}

struct Queue<Q, A> {
    /// A query is under way; what is asked meanwhile waits.
    busy: bool,
    waiting: Vec<(Q, oneshot::Sender<Option<A>>)>,
}

/// The right to query. Whoever has it leaves it to those who wait, also if they give up in the middle.
struct Turn<Q: Clone + Eq + Hash + Send + 'static, A: Send + 'static>(Arc<Shared<Q, A>>);

impl<Q: Clone + Eq + Hash + Send + 'static, A: Send + 'static> Gather<Q, A> {
    pub fn new(db: DatabaseConnection, query: Query<Q, A>) -> Self {
        Self(Arc::new(Shared { db, query, queue: Mutex::new(Queue { busy: false, waiting: Vec::new() }) }))
    }

    /// `None`: there is no answer, or it cannot be had like this (the query failed, or too many wait).
    pub async fn ask(&self, question: Q) -> Option<A> {
        let waits = {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.waiting.len() >= WAITING {
                return None;
            }
            match queue.busy {
                true => {
                    let (sender, answer) = oneshot::channel();
                    queue.waiting.push((question.clone(), sender));
                    Some(answer)
                }
                false => {
                    queue.busy = true;
                    None
                }
            }
        };
        match waits {
            Some(answer) => answer.await.ok().flatten(),
            None => {
                let turn = Turn(self.0.clone());
                turn.0.look_up(vec![question.clone()]).await.remove(&question)
            }
        }
    }
}

impl<Q: Clone + Eq + Hash, A> Shared<Q, A> {
    async fn look_up(&self, questions: Vec<Q>) -> HashMap<Q, A> {
        (self.query)(self.db.clone(), questions).await.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot look phones up");
            HashMap::new()
        })
    }

    /// Answers what waits until nothing does.
    async fn answer_all(&self) {
        loop {
            let asked = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.waiting.is_empty() {
                    queue.busy = false;
                    return;
                }
                let most = queue.waiting.len().min(MOST);
                queue.waiting.drain(..most).collect::<Vec<_>>()
            };
            let mut questions: Vec<Q> = asked.iter().map(|(question, _)| question.clone()).collect();
            if let Some(last) = questions.last().cloned() {
                questions.resize(questions.len().next_power_of_two(), last);
            }
            let mut answers = self.look_up(questions).await;
            for (question, sender) in asked {
                // Whoever asked may have gone.
                let _ = sender.send(answers.remove(&question));
            }
        }
    }
}

impl<Q: Clone + Eq + Hash + Send + 'static, A: Send + 'static> Drop for Turn<Q, A> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !queue.waiting.is_empty() => {
                let shared = self.0.clone();
                runtime.spawn(async move { shared.answer_all().await });
            }
            _ => queue.busy = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;

    /// Doubles, by way of the database; 13 has no answer. Nobody asks for 1000 and more at once than fits.
    fn double(db: DatabaseConnection, numbers: Vec<i32>) -> BoxFuture<'static, Result<HashMap<i32, i32>, DbErr>> {
        async move {
            assert!(numbers.len().is_power_of_two() && numbers.len() <= MOST);
            let mut answers = HashMap::new();
            for number in numbers.into_iter().filter(|number| *number != 13) {
                let sql = format!("SELECT {number} * 2");
                let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
                answers.insert(number, row.map_or(Ok(0), |row| row.try_get_by_index(0))?);
            }
            Ok(answers)
        }
        .boxed()
    }

    async fn gather() -> Gather<i32, i32> {
        Gather::new(sea_orm::Database::connect("sqlite::memory:").await.unwrap(), double)
    }

    #[tokio::test]
    async fn everybody_gets_their_own_answer() {
        let gather = gather().await;
        let answers = join_all((0..1000).map(|number| gather.ask(number))).await;
        for (number, answer) in (0..1000).zip(answers) {
            assert_eq!(answer, (number != 13).then_some(number * 2));
        }
        assert_eq!(gather.ask(7).await, Some(14));
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_others_their_answers() {
        let gather = gather().await;
        // The first has the turn, and is given up before its query ends.
        let mut first = Box::pin(gather.ask(1));
        assert!(futures_util::poll!(&mut first).is_pending());
        let others = join_all((2..50).map(|number| gather.ask(number)));
        let mut others = Box::pin(others);
        assert!(futures_util::poll!(&mut others).is_pending());
        drop(first);
        assert_eq!(others.await, (2..50).map(|number| (number != 13).then_some(number * 2)).collect::<Vec<_>>());
    }
}
