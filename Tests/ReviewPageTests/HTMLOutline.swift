/// The elements of a page, read by the strictest reading of the few forms that the templates use. A fault is anything that
/// a browser would have to guess about.
struct HTMLOutline {
    struct Element {
        let name: String
        let attributes: [String: String]
        /// The names of the elements around it, outermost first.
        let around: [String]
    }

    private(set) var elements: [Element] = []
    private(set) var faults: [String] = []

    static let void: Set<String> = ["meta", "link", "input"]
    static let vector: Set<String> = ["path", "rect", "line", "circle"]
    static let known: Set<String> = void.union(vector).union([
        "html", "head", "title", "script", "body", "a", "header", "p", "nav", "ul", "li", "form", "button", "div",
        "main",
        "footer", "dialog", "h1", "h2", "h3", "dl", "dt", "dd", "kbd", "span", "bdi", "em", "strong", "time", "details",
        "summary", "mark", "code", "label", "select", "option", "datalist", "textarea", "fieldset", "legend", "ol",
        "section",
        "article", "table", "thead", "tbody", "tr", "th", "td", "svg", "desc", "defs", "marker", "g", "text", "figure",
        "figcaption", "b", "pre",
    ])

    init(_ html: String) throws {
        let bytes = Array(html.utf8)
        var open: [String] = []
        var index = 0
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        let isNameByte: (UInt8) -> Bool = { byte in
            (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "-")
        }
        if html.hasPrefix("<!DOCTYPE html>") {
            index = "<!DOCTYPE html>".utf8.count
        } else {
            faults.append("no doctype")
        }
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "<") else {
                if bytes[index] == UInt8(ascii: ">") { faults.append("a bare > at \(index)") }
                index += 1
                continue
            }
            let isEnd = index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "/")
            var position = index + (isEnd ? 2 : 1)
            let start = position
            while position < bytes.count, isNameByte(bytes[position]) { position += 1 }
            let name = text(start..<position)
            guard !name.isEmpty else {
                faults.append("a bare < at \(index)")
                index += 1
                continue
            }
            if isEnd {
                if open.last == name {
                    open.removeLast()
                } else {
                    faults.append("</\(name)> closes \(open.last ?? "nothing")")
                }
                index = position + 1
                continue
            }
            var attributes: [String: String] = [:]
            var isClosed = false
            while position < bytes.count, bytes[position] != UInt8(ascii: ">") {
                if bytes[position] == UInt8(ascii: "/") { isClosed = true }
                guard isNameByte(bytes[position]) else {
                    if !" \n/".utf8.contains(bytes[position]) {
                        faults.append("<\(name)> has a stray byte \(bytes[position])")
                    }
                    position += 1
                    continue
                }
                let nameStart = position
                while position < bytes.count, isNameByte(bytes[position]) { position += 1 }
                let attribute = text(nameStart..<position)
                var value = ""
                if position + 1 < bytes.count, bytes[position] == UInt8(ascii: "=") {
                    if bytes[position + 1] != UInt8(ascii: "\"") { faults.append("\(attribute) is not quoted") }
                    let valueStart = position + 2
                    position = valueStart
                    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") { position += 1 }
                    value = text(valueStart..<position)
                    if value.utf8.contains(where: { "<>".utf8.contains($0) }) {
                        faults.append("\(attribute) holds markup")
                    }
                    position += 1
                }
                if attributes[attribute] != nil { faults.append("<\(name)> has \(attribute) twice") }
                attributes[attribute] = value
            }
            elements.append(Element(name: name, attributes: attributes, around: open))
            if !Self.void.contains(name), !isClosed { open.append(name) }
            index = position + 1
        }
        if !open.isEmpty { faults.append("left open: \(open)") }
    }
}
