import SyncWire
import Testing

@testable import DeviceReplica

/// The state machine as transcripts: what happened and the time go in, what to do comes out.
@Suite("the sync machine")
struct SyncMachineTests {
    /// A machine with what its storage holds, and the time.
    private struct Transcript {
        var machine: SyncMachine
        var facts = SyncMachine.Facts()
        var now: Int64 = 0

        init(_ mode: SyncMachine.Mode) { machine = SyncMachine(mode, backoff: Backoff(seed: 1)) }

        mutating func next() -> SyncMachine.Step { machine.next(facts, nowMilliseconds: now) }

        /// Expects an activity, and tells what came of it.
        mutating func expect(
            _ activity: SyncMachine.Activity, _ outcome: SyncMachine.Outcome = .done(hasMore: false),
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(next() == .perform(activity), sourceLocation: sourceLocation)
            machine.note(outcome, of: activity, nowMilliseconds: now)
        }

        /// Everything that comes before edits.
        mutating func begin() {
            expect(.askForToken)
            expect(.checkSession)
            expect(.fetchCollections)
        }
    }

    @Test("a first sync registers, checks, learns the collections, sends and pulls, in this order")
    func firstSync() {
        var transcript = Transcript(.once)
        transcript.facts.needsRegistration = true
        transcript.facts.hasEdits = true
        transcript.expect(.askForToken)
        transcript.expect(.register)
        transcript.facts.needsRegistration = false
        transcript.expect(.checkSession)
        transcript.expect(.fetchCollections)
        transcript.expect(.send)
        transcript.facts.hasEdits = false
        transcript.expect(.pull(waitSeconds: 0), .done(hasMore: true))
        transcript.expect(.pull(waitSeconds: 0))
        #expect(transcript.next() == .finish(.upToDate))
    }

    @Test("records that are wanted are asked for after edits and before the feed, and end a wait")
    func wanted() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasUnknownWanted = true
        transcript.facts.hasEdits = true
        transcript.expect(.send)
        transcript.facts.hasEdits = false
        transcript.expect(.fetchWanted)
        transcript.facts.hasUnknownWanted = false
        transcript.expect(.pull(waitSeconds: 0))
        transcript.expect(.pull(waitSeconds: 25), .interrupted)
        transcript.facts.hasUnknownWanted = true
        transcript.expect(.fetchWanted, .failed(.noAnswer))
        guard case .rest = transcript.next() else { Issue.record("it does not rest"); return }
    }

    @Test("who stays waits for changes, and an edit goes before the next wait")
    func staying() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.expect(.pull(waitSeconds: 0))
        transcript.expect(.pull(waitSeconds: 25), .interrupted)
        transcript.facts.hasEdits = true
        transcript.expect(.send)
        transcript.facts.hasEdits = false
        // The answer may have skipped what others did meanwhile.
        transcript.expect(.pull(waitSeconds: 0))
        transcript.expect(.pull(waitSeconds: 25))
    }

    @Test("no answer means the same again after a while, at most the bound, which doubles up to five minutes")
    func backoff() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasBatch = true
        for attempt in 0..<20 {
            transcript.expect(.send, .failed(.noAnswer))
            guard case .rest(let until?) = transcript.next() else {
                Issue.record("it does not rest")
                return
            }
            let bound = min(300_000, Int64(500) << Int64(attempt))
            #expect(until - transcript.now >= 0 && until - transcript.now <= bound)
            transcript.now = until
        }
        transcript.expect(.send)
        transcript.expect(.send, .failed(.noAnswer))
        guard case .rest(let until?) = transcript.next() else {
            Issue.record("it does not rest")
            return
        }
        #expect(until - transcript.now <= 500, "what went well has the bound begin anew")
    }

    @Test("what the server asks for is never undercut")
    func retryAfter() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasEdits = true
        transcript.expect(.send, .failed(.busy(.rateLimited, retryAfterMilliseconds: 7_000)))
        guard case .rest(let until?) = transcript.next() else {
            Issue.record("it does not rest")
            return
        }
        #expect(until >= 7_000)
        transcript.now = 6_999
        #expect(transcript.next() == .rest(untilMilliseconds: until))
        transcript.now = until
        transcript.expect(.send)
    }

    @Test("a token that is refused is asked for once, and the second refusal pauses until somebody wakes it")
    func tokens() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasEdits = true
        transcript.expect(.send, .failed(.tokenRefused))
        transcript.expect(.askForToken)
        transcript.expect(.send, .failed(.tokenRefused))
        #expect(transcript.next() == .rest(untilMilliseconds: nil))
        #expect(transcript.machine.pause == .token)
        transcript.machine.wake()
        transcript.expect(.askForToken, .failed(.noToken))
        #expect(transcript.next() == .rest(untilMilliseconds: nil))
        transcript.machine.wake()
        transcript.begin()
        transcript.expect(.send)
    }

    @Test("a new identity comes before everything, with a token of its own")
    func identity() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasEdits = true
        transcript.expect(.send, .handled)
        transcript.facts.needsIdentity = true
        transcript.expect(.takeNewIdentity)
        transcript.facts.needsIdentity = false
        transcript.facts.needsRegistration = true
        transcript.expect(.askForToken)
        transcript.expect(.register)
        transcript.facts.needsRegistration = false
        transcript.expect(.checkSession)
        transcript.expect(.send)
    }

    @Test("a pull from the beginning comes before edits, and records that are unclear before them too")
    func order() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasEdits = true
        transcript.facts.hasUnclearRecords = true
        transcript.facts.isPullingAgain = true
        transcript.expect(.pullAgain, .done(hasMore: true))
        transcript.expect(.pullAgain)
        transcript.facts.isPullingAgain = false
        transcript.expect(.fetchRecords)
        transcript.facts.hasUnclearRecords = false
        transcript.expect(.send)
    }

    @Test("what is refused and handled without end is no progress, and rests")
    func noCircle() {
        var transcript = Transcript(.staying)
        transcript.begin()
        transcript.facts.hasEdits = true
        for _ in 0..<50 { transcript.expect(.send, .handled) }
        transcript.expect(.send, .handled)
        guard case .rest = transcript.next() else {
            Issue.record("it asks in a circle")
            return
        }
    }

    @Test("a sync that is to end ends with what it failed with")
    func once() {
        var transcript = Transcript(.once)
        transcript.expect(.askForToken)
        transcript.expect(.checkSession, .failed(.busy(.overloaded, retryAfterMilliseconds: 1_000)))
        #expect(transcript.next() == .finish(.failed(.refused(code: "overloaded"))))
        transcript.now = 600_000
        transcript.expect(.checkSession, .failed(.otherIdentity))
        #expect(transcript.next() == .finish(.paused(.otherIdentity)))
    }

    @Test("who sends nothing pulls")
    func observing() {
        var transcript = Transcript(.once)
        transcript.facts.hasEdits = true
        transcript.facts.sendsNothing = true
        transcript.begin()
        transcript.expect(.pull(waitSeconds: 0))
        #expect(transcript.next() == .finish(.upToDate))
    }

    @Test("every code has a reaction, and none that is final is repeated blindly")
    func reactions() {
        for code in ProblemCode.allCases {
            let problem = Problem(code, "")
            let call = CallReaction(to: problem)
            if call == .retryLater { #expect(code.isRetryable, "\(code)") }
            if OperationReaction(to: code) == .park {
                #expect(!code.isRetryable || code.status >= 429 || code.status == 408)
            }
        }
    }
}
