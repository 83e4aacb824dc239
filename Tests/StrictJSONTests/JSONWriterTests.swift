import Causality
import SeededRandom
import StrictJSON
import Testing
import Values

@Suite("JSON writer and canonical form")
struct JSONWriterTests {
    @Test("numbers are written as RFC 8785 appendix B writes them, where they are not integers")
    func writesDoubles() {
        // Bit patterns and texts of that appendix.
        for (bits, text): (UInt64, String) in [
            (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
            (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"), (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"),
            (0x4430_0000_0000_0000, "295147905179352830000"), (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"),
            (0x44B5_2D02_C7E1_4AF6, "1e+23"), (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"),
            (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"), (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"),
            (0x444B_1AE4_D6E2_EF50, "1e+21"), (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"),
            (0x3EB0_C6F7_A0B5_ED8D, "0.000001"), (0x41B3_DE43_5555_5553, "333333333.3333332"),
            (0x41B3_DE43_5555_5554, "333333333.33333325"), (0x41B3_DE43_5555_5555, "333333333.3333333"),
            (0x41B3_DE43_5555_5556, "333333333.3333334"), (0x41B3_DE43_5555_5557, "333333333.33333343"),
            (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
        ] {
            #expect(Value.number(Double(bitPattern: bits))?.canonicalText == text)
        }
        for (number, text) in [
            (0.1, "0.1"), (-1.5, "-1.5"), (123.456, "123.456"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"),
            (0.00001, "0.00001"),
            (1e300, "1e+300"), (0x1p63, "9223372036854776000"), (1.25e19, "12500000000000000000"),
        ] {
            #expect(Value.number(number)?.canonicalText == text)
        }
    }

    @Test("integers are exact over Int64")
    func writesIntegers() {
        for number in [0, 1, -1, 9, 10, -10, 99, 100, 1 << 53, (1 << 53) + 1, Int64.max, .min, .min + 1] as [Int64] {
            #expect(Value.integer(number).canonicalText == String(number))
        }
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            for near in [power - 1, power, power + 1, -power] {
                #expect(Value.integer(near).canonicalText == String(near))
            }
        }
    }

    @Test("strings are escaped as RFC 8785 section 3.2.2.2 says and no more")
    func escapesStrings() {
        for code in UInt8(0)...0x7F {
            let scalar = Unicode.Scalar(code)
            let expected: String
            switch code {
            case 0x08: expected = "\\b"
            case 0x09: expected = "\\t"
            case 0x0A: expected = "\\n"
            case 0x0C: expected = "\\f"
            case 0x0D: expected = "\\r"
            case 0x22: expected = "\\\""
            case 0x5C: expected = "\\\\"
            case 0..<0x10: expected = "\\u000" + String(code, radix: 16)
            case 0x10..<0x20: expected = "\\u00" + String(code, radix: 16)
            default: expected = String(scalar)
            }
            #expect(Value.string("é\(scalar)x").canonicalText == "\"é\(expected)x\"")
        }
        #expect(Value.string("\u{2028}\u{1F600}\u{FEFF}").canonicalText == "\"\u{2028}\u{1F600}\u{FEFF}\"")
    }

    @Test("names are sorted by UTF-8 bytes, also where UTF-16 sorts otherwise")
    func sortsNames() throws {
        let value = try Value(json: "{\"\u{FFFD}\":1,\"\u{1F600}\":2,\"b\":3,\"aa\":4,\"a\":5,\"\":6,\"é\":7,\"B\":8}")
        #expect(
            value.canonicalText == "{\"\":6,\"B\":8,\"a\":5,\"aa\":4,\"b\":3,\"é\":7,\"\u{FFFD}\":1,\"\u{1F600}\":2}")
    }

    @Test("the writer puts commas between values and nowhere else")
    func managesCommas() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", "x")
        writer.key("empty")
        writer.beginArray()
        writer.endArray()
        writer.key(ExactString("list"))
        writer.beginArray()
        writer.integer(1)
        writer.boolean(true)
        writer.null()
        writer.raw(canonicalText: #"{"a":1}"#)
        writer.raw(canonicalBytes: Array("[]".utf8))
        writer.beginObject()
        writer.endObject()
        writer.number(0.5)
        writer.string(ExactString("s"))
        writer.endArray()
        writer.member("n", 7)
        writer.member("flag", false)
        writer.member("value", Value.array([1, "a"]))
        writer.endObject()
        #expect(
            writer.text
                == #"{"id":"x","empty":[],"list":[1,true,null,{"a":1},[],{},0.5,"s"],"n":7,"flag":false,"value":[1,"a"]}"#
        )
    }

    @Test("lines of NDJSON are texts of their own, and a streamed answer is the concatenation of its parts")
    func writesLines() {
        var writer = JSONWriter()
        writer.write(["a": 1])
        writer.endLine()
        writer.write(2)
        writer.endLine()
        #expect(writer.text == "{\"a\":1}\n2\n")
        writer = JSONWriter()
        writer.beginArray()
        writer.integer(1)
        let first = writer.takeBytes()
        writer.integer(2)
        writer.endArray()
        #expect(String(decoding: first + writer.takeBytes(), as: UTF8.self) == "[1,2]")
    }

    @Test("what is written reads back as the value it was, and is written the same again", arguments: UInt64(0)..<20)
    func roundTrip(block: UInt64) throws {
        for seed in block * 100..<(block + 1) * 100 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value()
            let text = value.canonicalText
            let read = try Value(json: text)
            #expect(read == value, "seed \(seed)")
            #expect(read.canonicalText == text, "seed \(seed)")
        }
    }

    @Test("the canonical form does not depend on the spelling", arguments: UInt64(0)..<20)
    func canonicalises(block: UInt64) throws {
        for seed in block * 100..<(block + 1) * 100 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value()
            let spelled = generator.spelling(of: value)
            let read = try Value(json: spelled)
            #expect(read == value, "seed \(seed)")
            #expect(read.canonicalText == value.canonicalText, "seed \(seed)")
        }
    }
}
