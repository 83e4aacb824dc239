/// What went wrong between a test and its browser, with what the page looked like where there was one.
package struct BrowserError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
