//! A run without fault is judged clean, and each way to break one invariant is seen as that one and no other.

use std::time::Duration;

use crate::faults::{
    Act, Chain, Done, Event, Evidence, Exit, Fault, FaultKind, Letter, Line, Moment, Outcome, Output,
    Publication, Revision, Sample, Stored, Task, check,
};

use super::{Invariant, count_repeats};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;

/// Ten messages of the entities `a` and `b` in turn, one every ten milliseconds; #7 is hopeless, #4 fails once.
fn clean() -> Evidence {
    let mut evidence = Evidence { healed: Moment(0), settled: Some(Moment(SECOND)), ..Evidence::default() };
    let mut chains = [Chain::default(); 2];
    for sequence in 1..=10 {
        let act = match sequence {
            4 => Act::Fails { tries: 1 },
            7 => Act::AlwaysFails,
            _ => Act::Ok,
        };
        let index = usize::from(sequence % 2 == 0);
        let entity = ["a", "b"][index].to_owned();
        let task = Task { id: 100 + sequence, entity: entity.clone(), n: sequence / 2, act };
        publish(&mut evidence, sequence, &task);
        let start = Moment(sequence * 10 * MILLI);
        match act {
            Act::AlwaysFails => {
                (1..=3).for_each(|number| attempt(&mut evidence, sequence, number, start, Outcome::Failed));
                bury(&mut evidence, sequence);
            }
            _ => {
                if act != Act::Ok {
                    attempt(&mut evidence, sequence, 1, start, Outcome::Failed);
                }
                attempt(&mut evidence, sequence, 2, start, Outcome::Ok);
                chains[index].push(task.id);
                let done =
                    Done { id: task.id, entity: entity.clone(), n: task.n, sequence, chain: chains[index] };
                let message_id = format!("TASKS:{sequence}:append:0");
                evidence.outputs.push(Output { message_id, at: start.plus(Duration::from_millis(5)), done });
                evidence.revisions.push(Revision { entity, sequence, chain: chains[index] });
            }
        }
    }
    evidence.exits.push(Exit { pid: 1, code: Some(0) });
    evidence
}

fn publish(evidence: &mut Evidence, sequence: u64, task: &Task) {
    evidence.publications.push(Publication { task: task.clone(), sequence: Some(sequence) });
    evidence.input.push(Stored {
        sequence,
        subject: format!("tasks.{}", task.entity),
        task: task.clone(),
        payload: format!("payload {}", task.id),
        headers: vec![("Nats-Msg-Id".to_owned(), task.id.to_string())],
        at: Moment(sequence * 10 * MILLI),
    });
}

/// Takes one millisecond, the second attempt after the first.
fn attempt(evidence: &mut Evidence, sequence: u64, number: u32, start: Moment, outcome: Outcome) {
    let stored = evidence.input.iter().find(|stored| stored.sequence == sequence).expect("it was published");
    let at = start.plus(Duration::from_millis(u64::from(number)));
    let line = Line {
        event: Event::Start,
        id: stored.task.id,
        entity: stored.task.entity.clone(),
        sequence,
        attempt: number,
        pid: 1,
        at,
    };
    let end = Line { event: Event::End { outcome }, at: at.plus(Duration::from_micros(900)), ..line.clone() };
    evidence.history.extend([line, end]);
}

fn bury(evidence: &mut Evidence, sequence: u64) {
    let stored = evidence.input.iter().find(|stored| stored.sequence == sequence).expect("it was published");
    let Stored { subject, payload, headers, .. } = stored.clone();
    let at = Moment(sequence * 10 * MILLI + 5 * MILLI);
    evidence.letters.push(Letter { at, sequence, subject, reason: "failed".to_owned(), payload, headers });
}

/// Tries a message again in process 2, at the end.
fn repeat(evidence: &mut Evidence, sequence: u64) {
    let lines: Vec<Line> =
        evidence.history.iter().filter(|line| line.sequence == sequence).cloned().collect();
    let again = lines.into_iter().rev().take(2).rev();
    let later = |line: Line| Line { pid: 2, at: line.at.plus(Duration::from_millis(500)), ..line };
    evidence.history.extend(again.map(later));
}

fn lines_of(evidence: &mut Evidence, sequence: u64) -> impl Iterator<Item = &mut Line> {
    evidence.history.iter_mut().filter(move |line| line.sequence == sequence)
}

fn fault(evidence: &mut Evidence, kind: FaultKind, start: u64, end: u64) {
    evidence.faults.push(Fault { kind, start: Moment(start * MILLI), end: Moment(end * MILLI) });
}

#[track_caller]
fn assert_breaks(invariant: Invariant, breaking: impl FnOnce(&mut Evidence)) {
    let mut evidence = clean();

    breaking(&mut evidence);
    evidence.history.sort_by_key(|line| line.at);

    let violations = check(&evidence);
    assert!(!violations.is_empty(), "{invariant:?} was not seen");
    assert!(violations.iter().all(|violation| violation.invariant == invariant), "{violations:#?}");
}

#[track_caller]
fn assert_clean(changing: impl FnOnce(&mut Evidence)) {
    let mut evidence = clean();

    changing(&mut evidence);
    evidence.history.sort_by_key(|line| line.at);

    assert_eq!(check(&evidence), []);
}

#[test]
fn a_run_without_fault_is_clean() {
    assert_clean(|_| {});
    assert_eq!(count_repeats(&clean()), (0, 0));
}

#[test]
fn i1_sees_a_message_that_is_neither_done_nor_dead() {
    assert_breaks(Invariant::Loss, |evidence| evidence.outputs.retain(|output| output.done.sequence != 10));
    assert_breaks(Invariant::Loss, |evidence| evidence.letters.clear());
    assert_breaks(Invariant::Loss, |evidence| {
        let task = Task { id: 999, entity: "c".to_owned(), n: 0, act: Act::Ok };
        evidence.publications.push(Publication { task, sequence: Some(11) });
    });
}

#[test]
fn i2_sees_what_nobody_published() {
    assert_breaks(Invariant::Phantom, |evidence| {
        evidence.publications.retain(|publication| publication.task.id != 105);
    });
    assert_breaks(Invariant::Phantom, |evidence| {
        let output = Output { message_id: "other".to_owned(), ..evidence.outputs[8].clone() };
        evidence.outputs.push(Output { done: Done { sequence: 77, ..output.done }, ..output });
    });
}

#[test]
fn i3_sees_a_second_outcome() {
    assert_breaks(Invariant::OneOutcome, |evidence| {
        let again = evidence.letters[0].clone();
        evidence.letters.push(again);
    });
    assert_breaks(Invariant::OneOutcome, |evidence| {
        let again = evidence.outputs[8].clone();
        evidence.outputs.push(again);
    });
}

#[test]
fn i4_sees_outputs_in_the_wrong_order() {
    assert_breaks(Invariant::EffectOrder, |evidence| evidence.outputs.swap(0, 2));
}

#[test]
fn i5_sees_a_start_before_its_turn() {
    assert_breaks(Invariant::StartOrder, |evidence| {
        lines_of(evidence, 10).for_each(|line| line.at = Moment(line.at.0 - 18 * MILLI - MILLI / 2));
    });
}

#[test]
fn i6_sees_two_attempts_at_once() {
    assert_breaks(Invariant::OneAttempt, |evidence| {
        let start = Moment(100 * MILLI);
        evidence.faults.push(Fault { kind: FaultKind::BrokerKill, start, end: start });
        repeat(evidence, 10);
        lines_of(evidence, 10).filter(|line| line.pid == 2).for_each(|line| line.at.0 -= 500 * MILLI - 1000);
    });
}

#[test]
fn i7_sees_a_state_written_over_a_newer_one() {
    assert_breaks(Invariant::ReplacedOwner, |evidence| {
        let stale = evidence.revisions[7].clone();
        let newest = evidence.revisions[8].clone();
        evidence
            .revisions
            .splice(8.., [newest.clone(), stale, newest].into_iter().filter(|it| it.entity == "b"));
    });
}

#[test]
fn i8_sees_repeats_without_reason_and_too_many_of_them() {
    assert_breaks(Invariant::Repeats, |evidence| repeat(evidence, 10));
    assert_breaks(Invariant::Repeats, |evidence| {
        repeat(evidence, 10);
        fault(evidence, FaultKind::Freeze { pid: 1 }, 105, 600);
    });
    assert_breaks(Invariant::Repeats, |evidence| {
        evidence.bounds.window = 1;
        fault(evidence, FaultKind::Kill { pid: 1 }, 105, 105);
        for sequence in [9, 10] {
            repeat(evidence, sequence);
        }
    });
}

#[test]
fn i8_accepts_repeats_that_a_fault_explains() {
    let crash_in = |pid| {
        move |evidence: &mut Evidence| {
            repeat(evidence, 10);
            fault(evidence, FaultKind::Crash { pid }, 105, 105);
        }
    };
    assert_clean(crash_in(1));
    assert_breaks(Invariant::Repeats, crash_in(3));
    assert_clean(|evidence| {
        repeat(evidence, 10);
        fault(evidence, FaultKind::Freeze { pid: 1 }, 105, 2_600);
    });
    assert_clean(|evidence| {
        repeat(evidence, 10);
        lines_of(evidence, 10).for_each(|line| line.pid = 1);
        fault(evidence, FaultKind::Freeze { pid: 1 }, 105, 2_600);
    });
}

#[test]
fn i9_sees_too_many_tries_and_needless_deaths() {
    assert_breaks(Invariant::Tries, |evidence| {
        attempt(evidence, 7, 4, Moment(70 * MILLI), Outcome::Panicked);
        evidence.letters[0].at = Moment(75 * MILLI);
    });
    assert_breaks(Invariant::Tries, |evidence| {
        evidence.outputs.retain(|output| output.done.sequence != 10);
        evidence.revisions.pop();
        lines_of(evidence, 10).filter(|line| line.event != Event::Start).for_each(|line| {
            line.event = Event::End { outcome: Outcome::Failed };
        });
        bury(evidence, 10);
    });
}

#[test]
fn i9_accepts_a_try_that_its_process_slept_through() {
    let one_more = |evidence: &mut Evidence| {
        let mut lines: Vec<Line> = lines_of(evidence, 7).take(2).map(|line| line.clone()).collect();
        lines = lines.into_iter().map(|line| Line { pid: 2, ..line }).collect();
        lines[0].at = Moment(69 * MILLI);
        lines[1].at = Moment(3_000 * MILLI);
        evidence.history.extend(lines);
    };
    assert_clean(|evidence| {
        one_more(evidence);
        fault(evidence, FaultKind::Freeze { pid: 2 }, 70, 2_990);
    });
    let mut evidence = clean();
    one_more(&mut evidence);
    assert!(check(&evidence).iter().any(|violation| violation.invariant == Invariant::Tries));
}

#[test]
fn i10_sees_a_state_that_is_not_the_fold() {
    assert_breaks(Invariant::Fold, |evidence| evidence.outputs[4].done.chain.push(1));
    assert_breaks(Invariant::Fold, |evidence| drop(evidence.revisions.pop()));
}

#[test]
fn i10_takes_no_zombie_at_its_word_about_a_message_that_was_given_up() {
    let mut evidence = clean();
    evidence.outputs.retain(|output| output.done.sequence != 9);
    evidence.revisions.retain(|revision| revision.sequence != 9);
    bury(&mut evidence, 9);

    assert!(check(&evidence).iter().all(|violation| violation.invariant != Invariant::Fold));
}

#[test]
fn i11_sees_what_exceeds_its_bound_and_what_grows() {
    let sample = |at: u64, memory| Sample { pid: 1, at: Moment(at), memory, descriptors: 20, threads: 9 };
    assert_breaks(Invariant::Bounds, |evidence| evidence.samples.push(sample(1, 1 << 40)));
    assert_breaks(Invariant::Bounds, |evidence| {
        evidence.samples.extend((0..100).map(|at| sample(at, at << 20)));
    });
    assert_breaks(Invariant::Bounds, |evidence| evidence.in_flight.push((Moment(1), 0, 65)));
    assert_clean(|evidence| evidence.samples.extend((0..100).map(|at| sample(at, 30 << 20))));
}

#[test]
fn i12_sees_what_takes_too_long() {
    assert_breaks(Invariant::Liveness, |evidence| evidence.settled = Some(Moment(31 * SECOND)));
    assert_breaks(Invariant::Liveness, |evidence| evidence.settled = None);
    assert_breaks(Invariant::Liveness, |evidence| {
        evidence.bounds.liveness = Duration::from_millis(200);
        evidence.settled = Some(Moment(0));
        fault(evidence, FaultKind::Kill { pid: 1 }, 105, 105);
        let is_last = |line: &Line| line.sequence == 10 && line.event != Event::Start;
        evidence.history.retain(|line| !is_last(line));
        evidence.outputs.iter_mut().filter(|output| output.done.sequence == 10).for_each(|output| {
            output.at = Moment(600 * MILLI);
        });
        repeat(evidence, 10);
        evidence.healed = Moment(120 * MILLI);
    });
}

#[test]
fn i12_sees_an_output_as_progress() {
    assert_clean(|evidence| {
        evidence.healed = Moment(104 * MILLI);
        evidence.history.retain(|line| line.at < Moment(104 * MILLI));
    });
}

#[test]
fn i13_sees_a_drain_that_starts_work_or_ends_badly() {
    let ending_with = |code| FaultKind::Terminate { pid: 1, code };
    assert_breaks(Invariant::Drain, |evidence| {
        fault(evidence, ending_with(Some(0)), 1, 20);
        lines_of(evidence, 10).for_each(|line| line.at = line.at.plus(Duration::from_millis(500)));
        let last = evidence.outputs.last_mut().expect("that of #10");
        last.at = last.at.plus(Duration::from_millis(500));
    });
    assert_breaks(Invariant::Drain, |evidence| fault(evidence, ending_with(Some(5)), 200, 300));
    assert_breaks(Invariant::Drain, |evidence| fault(evidence, ending_with(Some(0)), 200, 20_000));
    assert_breaks(Invariant::Drain, |evidence| evidence.exits.push(Exit { pid: 2, code: None }));
    assert_clean(|evidence| fault(evidence, ending_with(Some(0)), 90, 300));
    assert_clean(|evidence| {
        fault(evidence, ending_with(None), 200, 300);
        fault(evidence, FaultKind::Crash { pid: 1 }, 300, 300);
    });
}

#[test]
fn i14_sees_a_dead_letter_that_is_not_the_message() {
    assert_breaks(Invariant::DeadLetter, |evidence| evidence.letters[0].payload.push('!'));
    assert_breaks(Invariant::DeadLetter, |evidence| evidence.letters[0].headers.clear());
    assert_breaks(Invariant::DeadLetter, |evidence| evidence.letters[0].reason = "keyless".to_owned());
    assert_breaks(Invariant::DeadLetter, |evidence| evidence.letters[0].subject = "0.tasks.a".to_owned());
}

#[test]
fn a_fault_that_did_not_happen_is_seen() {
    assert_breaks(Invariant::Happened, |evidence| {
        evidence.planned.insert("kill".to_owned(), 1);
    });
}
