/// Metrics in the text format of Prometheus (version 0.0.4), family by family.
struct Exposition {
    private(set) var bytes: [UInt8] = []

    enum Kind: String {
        case counter, gauge, histogram
    }

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String> = [:], _ value: some Numeric) {
        append(name)
        if !labels.isEmpty {
            append("{" + labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}")
        }
        append(" \(value)\n")
    }

    /// Writes a family of one sample.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: some Numeric) {
        family(name, kind, help)
        sample(name, [:], value)
    }

    /// Writes a family of histograms that differ in one label.
    mutating func histograms(_ name: String, _ help: String, by label: String, _ histograms: [String: Histogram]) {
        family(name, .histogram, help)
        for (value, histogram) in histograms.sorted(by: { $0.key < $1.key }) {
            var cumulated: UInt64 = 0
            for (bound, count) in zip(histogram.bounds, histogram.counts) {
                cumulated += count
                sample(name + "_bucket", [label: value, "le": "\(bound)"], cumulated)
            }
            let total = cumulated + (histogram.counts.last ?? 0)
            sample(name + "_bucket", [label: value, "le": "+Inf"], total)
            sample(name + "_sum", [label: value], histogram.sum)
            sample(name + "_count", [label: value], total)
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// How often values up to each bound were seen.
struct Histogram {
    static let seconds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    static let bytes: [Double] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608]
    static let batches: [Double] = [1, 2, 4, 8, 16, 32, 64]

    let bounds: [Double]
    private(set) var counts: [UInt64]
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
