//! `goverse objects`: what a store holds, for people.

mod dead_letters;
mod line;

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use goverse::core::{InvalidName, ObjectId, TypeName};
use goverse::node::{
    Change, FenceKey, Listed, Load, ObjectKey, Save, StateStore, StoreError, StoredState, Tenure,
    Version,
};
use goverse::server::{StoreConfig, StoreUrl, open_store};

use crate::command_line::{ObjectArgs, ObjectsCommand, StoreArgs};
use crate::failure::Failure;
use crate::output::{Reader, print};
use line::Line;

/// How many objects are asked for at once.
const PAGE: u32 = 500;

pub(crate) async fn run(command: ObjectsCommand) -> Result<(), Failure> {
    match command {
        ObjectsCommand::List { store, type_name, limit } => {
            list(&*open(store).await?, type_name.as_deref(), limit).await
        }
        ObjectsCommand::Show { store, object } => show(&*open(store).await?, &key(&object)?).await,
        ObjectsCommand::Delete { store, object } => {
            delete(&*open(store).await?, key(&object)?).await
        }
        ObjectsCommand::Export { store, type_name } => {
            export(&*open(store).await?, type_name.as_deref()).await
        }
        ObjectsCommand::Import { store, replace } => import(&*open(store).await?, replace).await,
        ObjectsCommand::DeadLetters { store, retry, delete } => {
            dead_letters::run(&*open(store).await?, retry.as_deref(), delete.as_deref()).await
        }
    }
}

async fn open(args: StoreArgs) -> Result<Arc<dyn StateStore>, Failure> {
    let StoreArgs { url, schema, ca_file } = args;
    // A file that is not there would be made, and be empty: that is not what anybody asks for.
    match &url {
        StoreUrl::Memory => {
            return Err(Failure::usage(
                "--store memory: a store in memory is gone with its process",
            ));
        }
        StoreUrl::Sqlite(path) if !path.exists() => {
            return Err(Failure::usage(format!("--store {url}: there is no such file")));
        }
        _ => {}
    }
    let mut config = StoreConfig::new(url);
    (config.schema, config.ca_file) = (schema, ca_file);
    open_store(&config).await.map_err(|error| Failure::usage(error.to_string()))
}

fn key(ObjectArgs { type_name, id }: &ObjectArgs) -> Result<ObjectKey, Failure> {
    let wrong = |error: InvalidName| Failure::usage(error.to_string());
    Ok(ObjectKey {
        type_name: TypeName::new(type_name).map_err(wrong)?,
        id: ObjectId::new(id).map_err(wrong)?,
    })
}

pub(super) fn broken(error: StoreError) -> Failure {
    Failure::broken(error.to_string())
}

async fn list(store: &dyn StateStore, type_name: Option<&str>, limit: u32) -> Result<(), Failure> {
    let mut left = limit;
    each_page(store, type_name, async |page| {
        let mut text = String::new();
        for listed in page.iter().take(left as usize) {
            let Listed { object, version, schema, len, saved } = listed;
            let saved = UNIX_EPOCH + Duration::from_millis(*saved);
            let saved = humantime::format_rfc3339_seconds(saved);
            let ObjectKey { type_name, id } = object;
            text += &format!("{type_name}\t{id}\t{version}\t{schema}\t{len}\t{saved}\n");
        }
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
        let reader = print(&text)?;
        Ok(reader == Reader::Reads && left > 0)
    })
    .await
}

/// Calls `act` with page after page, for as long as it says so.
async fn each_page(
    store: &dyn StateStore,
    type_name: Option<&str>,
    mut act: impl AsyncFnMut(Vec<Listed>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let wrong = |error: InvalidName| Failure::usage(error.to_string());
    let type_name = type_name.map(TypeName::new).transpose().map_err(wrong)?;
    let mut after = None;
    loop {
        let page = store.list(type_name.as_ref(), after, PAGE).await.map_err(broken)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.object.type_name.clone(), last.object.id.clone()));
        if !act(page).await? {
            return Ok(());
        }
    }
}

async fn show(store: &dyn StateStore, object: &ObjectKey) -> Result<(), Failure> {
    let Some((version, state)) = store.read(object).await.map_err(broken)? else {
        return Err(none(object));
    };
    let StoredState { schema, encoding, bytes } = &state;
    let shown = match state.decode::<serde_json::Value>() {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Err(error) => format!("(it cannot be shown: {error})"),
    };
    let text = format!(
        "{object}\nversion {version}, schema {schema}, {} bytes of {encoding}\n{shown}\n",
        bytes.len()
    );
    print(&text).map(drop)
}

fn none(object: &ObjectKey) -> Failure {
    Failure::usage(format!("the store has no {object}"))
        .hint("`goverse objects list` shows what it has")
}

/// Takes the store over: whoever had it before is refused from now on.
async fn take_over(store: &dyn StateStore) -> Result<Tenure, Failure> {
    store.begin_tenure(&FenceKey::ALONE, unix_ms()).await.map_err(broken)
}

async fn delete(store: &dyn StateStore, object: ObjectKey) -> Result<(), Failure> {
    let Some((version, _)) = store.read(&object).await.map_err(broken)? else {
        return Err(none(&object));
    };
    let tenure = take_over(store).await?;
    let shown = object.to_string();
    save(store, object, tenure, version, Change::Delete).await?;
    print(&format!("deleted {shown}\n")).map(drop)
}

async fn export(store: &dyn StateStore, type_name: Option<&str>) -> Result<(), Failure> {
    each_page(store, type_name, async |page| {
        for Listed { object, .. } in page {
            // It may have gone meanwhile.
            let Some((_, state)) = store.read(&object).await.map_err(broken)? else { continue };
            if print(&Line::of(&object, &state).to_text())? == Reader::HasGone {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
}

async fn import(store: &dyn StateStore, replace: bool) -> Result<(), Failure> {
    let tenure = take_over(store).await?;
    let mut count = 0_u64;
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let wrong = |problem: String| Failure::usage(format!("line {number}: {problem}"));
        let line = line.map_err(|error| wrong(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let (object, state) = Line::read(&line).map_err(wrong)?;
        let there = store.read(&object).await.map_err(broken)?;
        if there.is_some() && !replace {
            let message =
                format!("{object} is there already; --replace replaces it ({count} imported)");
            return Err(wrong(message));
        }
        let version = there.map_or(Version(0), |(version, _)| version);
        save(store, object, tenure.clone(), version, Change::Put(state)).await?;
        count += 1;
    }
    print(&format!("imported {count} objects\n")).map(drop)
}

async fn save(
    store: &dyn StateStore,
    object: ObjectKey,
    tenure: Tenure,
    expected: Version,
    change: Change,
) -> Result<(), Failure> {
    let now = unix_ms();
    let (calls, outgoing) = (Vec::new(), Vec::new());
    // What was deleted has left its version, which a new one has to be above; only a load tells.
    let load = Load { object: object.clone(), tenure: tenure.clone(), raise_to: None, now };
    let stored = store.load(load).await.map_err(broken)?.version;
    let expected = if expected == Version(0) { stored } else { expected };
    let next = if expected == Version(0) { now * 1000 } else { expected.0 + 1 };
    let save = Save { object, tenure, expected, next: Version(next), change, now, calls, outgoing };
    let answers = store.save(vec![save]).await.map_err(broken)?;
    answers.into_iter().try_for_each(|answer| answer.map_err(broken))
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
