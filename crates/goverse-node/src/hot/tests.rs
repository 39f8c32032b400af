//! ad hoc
use super::*;
use std::hint::black_box;
use std::time::Instant;

#[test]
#[ignore]
fn timing() {
    let one = (TypeName::new("ChatRoom").unwrap(), ObjectId::new("room-1234567").unwrap());
    let many: Vec<_> = (0..1_000_000)
        .map(|i| (one.0.clone(), ObjectId::new(&format!("room-{i:07}")).unwrap()))
        .collect();
    const N: u64 = 40_000_000;
    for round in 0..3 {
        let hot = HotObjects::new(0);
        let base = {
            let t = Instant::now();
            let mut now = 0u64;
            for i in 0..N {
                now += 150;
                black_box((&hot, black_box(140 + (i & 15)), now));
            }
            t.elapsed()
        };
        for gap in [150, 1000, 20_000, 300_000] {
            let n = N.min(6_000_000_000 / gap);
            let hot = HotObjects::new(0);
            let (t, _) = std::thread::scope(|s| {
                s.spawn(|| {
                    let t = Instant::now();
                    let mut now = 0u64;
                    for i in 0..n {
                        now += gap;
                        hot.turn_ended(black_box(140 + (i & 15)), now, || one.clone());
                    }
                    (t.elapsed(), 0)
                })
                .join()
                .unwrap()
            });
            let hot2 = HotObjects::new(0);
            let (u, _) = std::thread::scope(|s| {
                s.spawn(|| {
                    let t = Instant::now();
                    let mut now = 0u64;
                    for i in 0..n {
                        now += gap;
                        hot2.turn_ended(black_box(140 + (i & 15)), now, || {
                            many[(i * 7919 % 1_000_000) as usize].clone()
                        });
                    }
                    (t.elapsed(), 0)
                })
                .join()
                .unwrap()
            });
            let per = |d: std::time::Duration, n: u64| d.as_secs_f64() * 1e9 / n as f64;
            println!(
                "{round} gap {gap}: base {:.2} one {:.2} all-distinct {:.2} ns; sampled 1 in {:.1}",
                per(base, N),
                per(t, n),
                per(u, n),
                hot.report(n * gap).turns_per_sample
            );
        }
        // recording
        let hot = HotObjects::new(0);
        for keys in [&many[..1], &many[..200], &many[..2000], &many[..]] {
            let n = 1_000_000;
            let t = Instant::now();
            for i in 0..n {
                hot.record(Tally::of_turn(150, 1.0), 1, || keys[i * 7919 % keys.len()].clone());
            }
            println!(
                "record of {}: {:.0} ns",
                keys.len(),
                t.elapsed().as_secs_f64() * 1e9 / n as f64
            );
        }
        let t = Instant::now();
        let r = hot.report(5);
        println!("report of {}: {:?}", r.by_calls.len(), t.elapsed());
        let t = Instant::now();
        let n = 2_000_000;
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    for i in 0..n {
                        hot.record(Tally::of_turn(150, 1.0), 1, || {
                            many[i * 7919 % many.len()].clone()
                        });
                    }
                });
            }
        });
        println!(
            "2 threads record all-distinct flat out: {:.0} ns each",
            t.elapsed().as_secs_f64() * 1e9 / n as f64
        );
    }
}
