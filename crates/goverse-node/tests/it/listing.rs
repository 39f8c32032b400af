//! The listing is in order, whole, and comes in pages.

use goverse_node::{ListQuery, Node};

use crate::fixture::observed;

fn shown(node: &Node, query: &ListQuery) -> String {
    let listing = node.list(query);
    let shown: Vec<String> = listing
        .objects
        .iter()
        .map(|object| format!("{}/{}", object.type_name, object.id))
        .collect();
    shown.join(" ") + if listing.more { " …" } else { "" }
}

#[tokio::test]
async fn pages_follow_each_other_over_types() {
    let node = observed().node;
    for (type_name, id) in
        [("Plain", "b"), ("Moody", "2"), ("Plain", "a"), ("Moody", "10"), ("Moody", "1")]
    {
        node.create_object(type_name, id).await.unwrap();
    }
    let check =
        |type_name: Option<&str>, after: Option<(&str, &str)>, limit: usize, expected: &str| {
            let after = after.map(|(type_name, id)| (type_name.to_owned(), id.to_owned()));
            let query = ListQuery { type_name: type_name.map(str::to_owned), after, limit };
            assert_eq!(shown(&node, &query), expected, "{query:?}");
        };
    check(None, None, 10, "Moody/1 Moody/10 Moody/2 Plain/a Plain/b");
    check(None, None, 5, "Moody/1 Moody/10 Moody/2 Plain/a Plain/b");
    check(None, None, 2, "Moody/1 Moody/10 …");
    check(None, Some(("Moody", "10")), 2, "Moody/2 Plain/a …");
    check(None, Some(("Plain", "a")), 2, "Plain/b");
    check(None, Some(("Plain", "b")), 2, "");
    check(None, Some(("Nothing", "z")), 9, "Plain/a Plain/b");
    check(Some("Plain"), None, 9, "Plain/a Plain/b");
    check(Some("Plain"), Some(("Moody", "2")), 9, "Plain/a Plain/b");
    check(Some("Absent"), None, 9, "");
    check(None, None, 0, " …");
    check(None, None, usize::MAX, "Moody/1 Moody/10 Moody/2 Plain/a Plain/b");
}

#[tokio::test]
async fn paging_sees_every_object_once_while_others_come_and_go() {
    let node = observed().node;
    for index in 0..500 {
        node.create_object("Plain", &format!("steady-{index:03}")).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut query = ListQuery { limit: 7, ..ListQuery::default() };
    for round in 0.. {
        node.create_object("Plain", &format!("passing-{round}")).await.unwrap();
        let listing = node.list(&query);
        node.destroy_object("Plain", &format!("passing-{round}")).await.unwrap();
        let Some(last) = listing.objects.last() else { break };
        query.after = Some((last.type_name.to_string(), last.id.to_string()));
        seen.extend(listing.objects.into_iter().map(|object| object.id.to_string()));
    }
    let steady: Vec<&String> = seen.iter().filter(|id| id.starts_with("steady")).collect();
    assert_eq!(steady.len(), 500);
    assert!(steady.is_sorted_by(|a, b| a < b));
}
