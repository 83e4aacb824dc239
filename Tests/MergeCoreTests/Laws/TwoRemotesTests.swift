import Causality
import MergeCore
import Testing
import Values

/// The failure of apps with two back ends: each is pulled, each pull writes the rows that it has, and whichever ends last wins. A row that
/// one of them cannot decrypt is skipped for good, and what the device has not sent yet is overwritten.
///
/// Here the rows are states, and what arrives is joined with what is here before it is kept.
@Suite("two back ends, the last one to finish wins")
struct TwoRemotesTests {
    private typealias Rows = [String: RecordState]

    /// A remote that keeps bytes, in a form that only whoever has the key can read.
    private struct Remote {
        var key: UInt8
        private(set) var rows: [(name: String, bytes: [UInt8])] = []

        init(key: UInt8) { self.key = key }

        mutating func put(_ name: String, _ state: RecordState) {
            rows.append((name, state.exportState().map { $0 ^ key }))
        }
    }

    /// What a device keeps: its rows, how far it has taken each remote, and what it could not read there.
    private struct Device {
        var rows: Rows = [:]
        var cursors = [0, 0]
        var aside: [[(name: String, bytes: [UInt8])]] = [[], []]

        /// Takes everything that one remote has, as one step.
        mutating func pull(_ index: Int, _ remote: Remote, key: UInt8) {
            let came = aside[index] + remote.rows[cursors[index]...]
            aside[index] = []
            for (name, bytes) in came {
                do {
                    let state = try RecordState.importState(bytes.map { $0 ^ key })
                    rows[name] = rows[name]?.join(state) ?? state
                } catch {
                    aside[index].append((name, bytes))
                }
            }
            cursors[index] = remote.rows.count
        }

        mutating func write(_ name: String, _ value: Value, as device: DeviceID, at milliseconds: Int64) {
            let before = rows[name] ?? RecordState()
            let event = Event(
                stamp: Stamp(milliseconds: milliseconds, dot: Dot(device: device, counter: before.clock[device] + 1)),
                provenance: Provenance(operation: "o", user: "u", claimedMilliseconds: nil))
            let write = UnitWrite(unit: .field("text"), policy: .lww, change: .assign(value))
            rows[name] =
                before.applying(
                    RecordWrite(kind: .update, event: event, context: before.clock, writes: [write]),
                    rules: .undeclared, limits: Limits()
                ).state
        }

        func text(_ name: String) -> Value? {
            guard case .register(let register)? = rows[name]?.units[.field("text")] else { return nil }
            return register.visible(by: .lww)
        }
    }

    /// Everything that is at the two remotes: `a` is newer at the first, `b` at the second, `c` only at the first.
    private func remotes() -> [Remote] {
        var (first, second, other) = (Remote(key: 0x5A), Remote(key: 0xA5), Device())
        for name in ["a", "b", "c"] { other.write(name, "old", as: "mac", at: 1) }
        for name in ["a", "b"] { second.put(name, other.rows[name] ?? RecordState()) }
        first.put("b", other.rows["b"] ?? RecordState())
        first.put("c", other.rows["c"] ?? RecordState())
        other.write("a", "newer", as: "mac", at: 2)
        first.put("a", other.rows["a"] ?? RecordState())
        other.write("b", "newer", as: "mac", at: 3)
        second.put("b", other.rows["b"] ?? RecordState())
        return [first, second]
    }

    /// All ways in which so many pulls of two remotes can follow one another.
    private static func orders(_ count: Int) -> [[Int]] {
        count == 0 ? [[]] : orders(count - 1).flatMap { [$0 + [0], $0 + [1]] }
    }

    @Test("whichever ends last, the newer value shows, and what was not sent is neither lost nor overwritten")
    func order() {
        let remotes = remotes()
        var ends: Set<[String: RecordState]> = []
        for order in Self.orders(5) where Set(order).count == 2 {
            for moment in 0...order.count {
                var device = Device()
                for (step, index) in order.enumerated() {
                    if step == moment { device.write("c", "not sent", as: "phone", at: 9) }
                    device.pull(index, remotes[index], key: remotes[index].key)
                }
                if moment == order.count { device.write("c", "not sent", as: "phone", at: 9) }
                #expect(device.text("a") == "newer" && device.text("b") == "newer", "\(order)")
                #expect(device.text("c") == "not sent", "\(order), written at \(moment)")
                device.rows["c"] = nil
                ends.insert(device.rows)
            }
        }
        #expect(ends.count == 1, "the order of arrival shows")
    }

    @Test(
        "a row that cannot be decrypted on one side is kept and taken later; until then the other side's is right as far as it goes"
    )
    func decryptionFailure() {
        let remotes = remotes()
        for locked in 0..<2 {
            for order in Self.orders(4) {
                var device = Device()
                device.write("c", "not sent", as: "phone", at: 9)
                // The key of one remote is not there yet: the keychain is locked.
                for index in order { device.pull(index, remotes[index], key: index == locked ? 0 : remotes[index].key) }
                #expect(device.aside[locked].count == (order.contains(locked) ? remotes[locked].rows.count : 0))
                #expect(device.text("c") == "not sent")
                // The key is there. Nothing that was passed while it was missing is missing now.
                for index in 0..<2 { device.pull(index, remotes[index], key: remotes[index].key) }
                #expect(device.aside.joined().isEmpty)
                #expect(device.text("a") == "newer" && device.text("b") == "newer" && device.text("c") == "not sent")
            }
        }
    }
}
