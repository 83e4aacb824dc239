import SeededRandom
import StrictJSON
import Testing
import Values

@Suite("JSON numbers")
struct JSONNumberTests {
    static let integers: [(String, Int64)] = [
        ("0", 0), ("-0", 0), ("0.0", 0), ("-0.000", 0), ("0e0", 0), ("0e999999999999999999999", 0),
        ("0E-99999999999999999999", 0),
        ("1", 1), ("1.0", 1), ("1e0", 1), ("10e-1", 1), ("0.1e1", 1), ("1000e-3", 1), ("1E+0", 1), ("1.000e000", 1),
        ("1e18", 1_000_000_000_000_000_000), ("1e+18", 1_000_000_000_000_000_000), ("123.45e2", 12345),
        ("9007199254740993", 9_007_199_254_740_993), ("-9007199254740993", -9_007_199_254_740_993),
        ("9007199254740993.0", 9_007_199_254_740_993), ("900719925474099.3e1", 9_007_199_254_740_993),
        ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000", 1_000_000_000_000_000_000),
        ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775807.000", .max),
        ("0.9223372036854775807e19", .max), ("-92233720368547758080e-1", .min),
        ("-9223372036854775807", -.max), ("123456789012345678", 123_456_789_012_345_678),
    ]

    @Test("edge 26: a literal that denotes an Int64 is that integer, however it is spelled", arguments: integers)
    func readsIntegers(literal: String, integer: Int64) throws {
        #expect(try Value(json: literal) == .integer(integer))
        #expect(try Value(json: "[\(literal)]").canonicalText == "[\(integer)]")
    }

    static let doubles: [(String, Double, String)] = [
        ("0.1", 0.1, "0.1"), ("1.10", 1.1, "1.1"), ("-1.5", -1.5, "-1.5"), ("1e22", 1e22, "1e+22"),
        ("1e21", 1e21, "1e+21"),
        ("1e20", 1e20, "100000000000000000000"), ("0.30000000000000004", 0.1 + 0.2, "0.30000000000000004"),
        ("5e-324", 5e-324, "5e-324"), ("1.7976931348623157e308", .greatestFiniteMagnitude, "1.7976931348623157e+308"),
        ("2.2250738585072014e-308", .leastNormalMagnitude, "2.2250738585072014e-308"), ("1e23", 1e23, "1e+23"),
        ("1e308", 1e308, "1e+308"), ("0.000001", 1e-6, "0.000001"), ("0.0000001", 1e-7, "1e-7"),
        ("100.5e-1", 10.05, "10.05"),
        ("9223372036854776000", 0x1p63, "9223372036854776000"), ("1e19", 1e19, "10000000000000000000"),
        ("-1e19", -1e19, "-10000000000000000000"), ("3.141592653589793", 3.141592653589793, "3.141592653589793"),
    ]

    @Test("edge 26: a literal that a double reads back the same is that double", arguments: doubles)
    func readsDoubles(literal: String, double: Double, canonical: String) throws {
        let value = try Value(json: literal)
        #expect(value == .double(double))
        #expect(value.canonicalText == canonical)
        #expect(try Value(json: canonical) == value)
    }

    static let unrepresentable = [
        "9223372036854775808", "-9223372036854775809", "9223372036854775807.5", "9007199254740993.5", "1e400", "-1e400",
        "1e-400", "2e-324", "1e309", "1.7976931348623159e308", "12345678901234567890", "0.10000000000000001",
        "0.1000000000000000000000000000000000001", "18446744073709551615", "-9223372036854776000",
        "-9.223372036854776e18",
        "1e999999999999", "1e-999999999999", "-1e99999999999999999999999999", "4.9e-324", "4.940656458412465e-324",
        "1.00000000000000000000001", "3.14159265358979323846", "0.30000000000000005", "1.23456789012345678",
        "99999999999999999999e-1", "123456789012345678e3",
    ]

    @Test("edge 26: a number that neither an Int64 nor a double holds is refused", arguments: unrepresentable)
    func refusesOthers(literal: String) throws {
        let document = try JSONParser().parseCollectingIssues(Array("{\"n\":\(literal)}".utf8))
        #expect(document.issues.map(\.kind) == [.numberNotRepresentable])
        #expect(document.issues.map(\.pointer.text) == ["/n"])
        #expect(document.issues.map(\.offset) == [5])
        #expect(document.value == ["n": .null])
    }

    @Test("edge 26: true is not 1, null is not 0 and not absent, a string of digits is not a number")
    func keepsKindsApart() throws {
        let values = try ["true", "1", "null", "0", "\"1\"", "[1]", "{}", "false"].map { try Value(json: $0) }
        #expect(Set(values).count == values.count)
        #expect(Set(values.map(\.canonicalText)).count == values.count)
        #expect(try Value(json: #"{"a":null}"#) != Value(json: "{}"))
        #expect(try Value(json: #"{"a":null}"#).canonicalText == #"{"a":null}"#)
    }

    @Test("a megabyte of digits and huge exponents are read in one pass")
    func survivesLongLiterals() throws {
        let many = 1_000_000
        let zeros = String(repeating: "0", count: many)
        #expect(try Value(json: "1\(zeros)e-\(many)") == 1)
        #expect(try Value(json: "0.\(zeros)1e\(many + 1)") == 1)
        #expect(try Value(json: "1.\(zeros)") == 1)
        #expect(try Value(json: "1e\(zeros)1") == 10)
        #expect(try Value(json: "15\(zeros)e-\(many + 1)") == .double(1.5))
        for literal in [
            String(repeating: "9", count: many), "0.\(String(repeating: "3", count: many))", "1.\(zeros)1",
            "1e\(String(repeating: "9", count: many))", "1e-\(String(repeating: "9", count: many))",
        ] {
            let document = try JSONParser().parseCollectingIssues(Array(literal.utf8))
            #expect(document.issues.map(\.kind) == [.numberNotRepresentable])
        }
    }

    @Test("random literals are taken exactly when the oracle finds them representable", arguments: UInt64(0)..<20)
    func agreesWithOracle(block: UInt64) throws {
        for seed in block * 500..<(block + 1) * 500 {
            var generator = SeededGenerator(seed: seed)
            let literal = generator.numberLiteral()
            let denoted = DecimalOracle(literal: literal)
            let document = try JSONParser().parseCollectingIssues(Array(literal.utf8))
            switch document.issues.isEmpty ? document.value : nil {
            case .integer(let integer):
                #expect(DecimalOracle(literal: String(integer)) == denoted, "seed \(seed): \(literal)")
            case .double(let double):
                #expect(!denoted.isInt64, "seed \(seed): \(literal)")
                #expect(Int64(exactly: double) == nil, "seed \(seed): \(literal)")
                #expect(DecimalOracle(literal: document.value.canonicalText) == denoted, "seed \(seed): \(literal)")
                if seed % 4 == 0 { expectNearest(double, denoted, "seed \(seed): \(literal)") }
            default:
                #expect(!denoted.isInt64, "seed \(seed): \(literal)")
                // Refused, so the nearest double, whichever the standard library finds, must read back differently.
                if let nearest = Double(literal), nearest.isFinite, nearest != 0, Int64(exactly: nearest) == nil {
                    #expect(DecimalOracle(literal: "\(nearest)") != denoted, "seed \(seed): \(literal)")
                }
            }
        }
    }

    /// That no neighbour of the double is as close to the literal: exact distances, no floating point.
    private func expectNearest(_ double: Double, _ denoted: DecimalOracle, _ comment: String) {
        let distance = DecimalOracle(exactly: double).distance(to: denoted)
        for neighbour in [double.nextUp, double.nextDown] where neighbour.isFinite {
            let other = DecimalOracle(exactly: neighbour).distance(to: denoted)
            #expect(!other.isCloserToZero(than: distance), "\(comment)")
        }
    }
}

extension SeededGenerator {
    /// Literals near the borders: shortest decimals of random doubles, their neighbours by one digit, and plain noise.
    fileprivate mutating func numberLiteral() -> String {
        func digits(_ count: Int) -> String { (0..<count).map { _ in String(below(10)) }.joined() }
        let sign = pick(["", "-"])
        switch below(7) {
        case 0: return sign + "\(1 + below(9))" + digits(below(22))
        case 1: return sign + "\(below(10)).\(digits(1 + below(19)))"
        case 2: return sign + "\(1 + below(9)).\(digits(1 + below(18)))e\(below(660) - 340)"
        case 3: return sign + "\(1 + below(9))\(digits(below(18)))E\(pick(["+", ""]))\(below(25))"
        case 4: return sign + "0.\(String(repeating: "0", count: below(8)))\(digits(1 + below(18)))e-\(below(5))"
        case 5:
            let double = Double(bitPattern: next())
            return double.isFinite ? "\(double)" : "1e\(300 + below(20))"
        default:
            // The last digit off by one: still the same double, or already its neighbour.
            let double = Double(bitPattern: next() & 0x7FFF_FFFF_FFFF_FFFF)
            guard double.isFinite else { return "0.1" }
            var text = Array("\(double)".utf8)
            let end = (text.firstIndex(of: UInt8(ascii: "e")) ?? text.count) - 1
            text[end] = text[end] == UInt8(ascii: "9") ? UInt8(ascii: "8") : text[end] + 1
            return String(decoding: text, as: UTF8.self)
        }
    }
}
