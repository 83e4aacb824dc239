/// The bytes of a request, all but a few numbers of which are the same every time: these are written in place.
public struct Template: Sendable {
    public private(set) var bytes: [UInt8]

    /// Where a number stands, right-aligned. JSON takes spaces before a number, so its width never changes.
    public struct Slot: Sendable {
        fileprivate let start: Int
        fileprivate let width: Int
    }

    /// - Parameters:
    ///   - text: with `marker` repeated, as often as the number has digits, wherever a number goes.
    ///   - marker: a character that the text has nowhere else.
    /// - Returns: beside the template, its slots in the order of the text.
    public static func parse(_ text: String, marker: UInt8 = UInt8(ascii: "#")) -> (Template, [Slot]) {
        let bytes = Array(text.utf8)
        var slots: [Slot] = []
        var start: Int?
        for (index, byte) in bytes.enumerated() {
            switch (byte == marker, start) {
            case (true, nil): start = index
            case (false, let first?):
                slots.append(Slot(start: first, width: index - first))
                start = nil
            case (true, _?), (false, nil): break
            }
        }
        return (Template(bytes: bytes), slots)
    }

    /// Writes a number of no more digits than the slot is wide.
    public mutating func set(_ slot: Slot, _ number: Int) {
        var rest = number
        bytes.withUnsafeMutableBufferPointer { bytes in
            var index = slot.start + slot.width - 1
            repeat {
                bytes[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
                index -= 1
            } while rest > 0 && index >= slot.start
            while index >= slot.start {
                bytes[index] = UInt8(ascii: " ")
                index -= 1
            }
        }
        precondition(rest == 0, "\(number) does not fit into \(slot.width) digits")
    }

    /// Writes a UUID into a slot of 36 bytes.
    mutating func set(_ slot: Slot, id: (high: UInt64, low: UInt64)) {
        precondition(slot.width == 36, "a UUID has 36 characters")
        bytes.withUnsafeMutableBufferPointer { bytes in
            var index = slot.start
            for nibble in 0..<32 {
                if [8, 12, 16, 20].contains(nibble) {
                    bytes[index] = UInt8(ascii: "-")
                    index += 1
                }
                let half = nibble < 16 ? id.high : id.low
                let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (nibble % 16))) & 15
                bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                index += 1
            }
        }
    }

    /// What stands in a slot.
    func text(_ slot: Slot) -> String {
        String(decoding: bytes[slot.start..<(slot.start + slot.width)], as: UTF8.self)
    }

    func lend<R>(_ body: (UnsafeRawBufferPointer) throws(LoadError) -> R) throws(LoadError) -> R {
        try bytes.lend(body)
    }
}
