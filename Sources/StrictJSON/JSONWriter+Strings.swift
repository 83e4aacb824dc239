extension JSONWriter {
    /// Appends a string, with the comma before it and what follows it.
    mutating func appendString(_ text: String, then follower: UInt8?) {
        let isAppended: Void? = text.utf8.withContiguousStorageIfAvailable { appendString($0, then: follower) }
        guard isAppended == nil else { return }
        Array(text.utf8).withUnsafeBufferPointer { appendString($0, then: follower) }
    }

    private mutating func appendString(_ text: UnsafeBufferPointer<UInt8>, then follower: UInt8?) {
        guard !text.span.needsEscapes else { return appendEscaping(text.span, then: follower) }
        // Each append looks whether the buffer is shared and large enough: one for all of the string.
        bytes.append(addingCapacity: text.count + 4) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            output.append(copying: text)
            output.append(UInt8(ascii: "\""))
            if let follower { output.append(follower) }
        }
    }

    /// Appends a text as it is, with the comma before it.
    mutating func appendRaw(_ text: String) {
        let isAppended: Void? = text.utf8.withContiguousStorageIfAvailable { text in
            bytes.append(addingCapacity: text.count + 1) { output in
                if needsComma { output.append(UInt8(ascii: ",")) }
                output.append(copying: text)
            }
        }
        guard isAppended == nil else { return }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func appendEscaping(_ text: Span<UInt8>, then follower: UInt8?) {
        // Control characters without a letter, which are rare, take six bytes for one.
        var longest = text.count
        for index in text.indices where text[index].needsEscape { longest += 5 }
        bytes.append(addingCapacity: longest + 4) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            for index in text.indices {
                let byte = text[index]
                if byte.needsEscape { Self.append(escaped: byte, to: &output) } else { output.append(byte) }
            }
            output.append(UInt8(ascii: "\""))
            if let follower { output.append(follower) }
        }
    }

    private static func append(escaped byte: UInt8, to output: inout OutputSpan<UInt8>) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            output.append(UInt8(ascii: "u"))
            output.append(repeating: UInt8(ascii: "0"), count: 2)
            output.append(hexDigit(byte >> 4))
            output.append(hexDigit(byte & 0xF))
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}

extension OutputSpan<UInt8> {
    /// Appends all of the bytes. There has to be room for them.
    fileprivate mutating func append(copying bytes: UnsafeBufferPointer<UInt8>) {
        withUnsafeMutableBufferPointer { buffer, count in
            precondition(bytes.count <= buffer.count - count, "no room")
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                .copyMemory(from: UnsafeRawBufferPointer(bytes))
            count += bytes.count
        }
    }
}
