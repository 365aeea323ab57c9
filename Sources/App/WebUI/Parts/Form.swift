// SPDX-License-Identifier: Apache-2.0

import Primitives

/// The fields of a form. Each has a label, and a hint where one is needed, tied to it for the ear.
enum Field {
    static func text(
        _ name: String,
        id: String? = nil,
        label: String,
        value: String = "",
        hint: String? = nil,
        kind: String = "text",
        isRequired: Bool = false
    ) -> HTML {
        let id = id ?? name
        let required: HTML = isRequired ? " required" : .nothing
        let described: HTML = hint == nil ? .nothing : " aria-describedby=\"\(id)-hint\""
        return """
            <p class="field"><label for="\(id)">\(label)</label>\
            <input id="\(id)" name="\(name)" type="\(kind)" value="\(value)"\(required)\(described)>\
            \(hintLine(id, hint))</p>

            """
    }

    static func area(
        _ name: String, id: String? = nil, label: String, value: String, hint: String? = nil, rows: Int = 6
    ) -> HTML {
        let id = id ?? name
        let described: HTML = hint == nil ? .nothing : " aria-describedby=\"\(id)-hint\""
        return """
            <p class="field"><label for="\(id)">\(label)</label>\
            <textarea id="\(id)" name="\(name)" rows="\(rows)" spellcheck="false" required\(described)>\
            \(value)</textarea>\(hintLine(id, hint))</p>

            """
    }

    static func choice(
        _ name: String,
        label: String,
        options: [(value: String, name: String)],
        chosen: String
    ) -> HTML {
        """
        <p class="field"><label for="\(name)">\(label)</label>\(select(name, options: options, chosen: chosen))</p>

        """
    }

    /// A list to choose from, named for the ear where the page shows its label in another way.
    static func select(
        _ name: String,
        options: [(value: String, name: String)],
        chosen: String,
        label: String? = nil
    ) -> HTML {
        let spoken: HTML = given(label) { " aria-label=\"\($0)\"" }
        return """
            <select id="\(name)" name="\(name)"\(spoken)>\
            \(each(options) { option in
                let selected: HTML = option.value == chosen ? " selected" : .nothing
                return "<option value=\"\(option.value)\"\(selected)>\(option.name)</option>"
            })</select>
            """
    }

    static func check(_ name: String, value: String, label: String, isChecked: Bool = false) -> HTML {
        let checked: HTML = isChecked ? " checked" : .nothing
        return """
            <label class="check"><input type="checkbox" name="\(name)" value="\(value)"\(checked)> \(label)</label>

            """
    }

    static func hidden(_ name: String, _ value: String) -> HTML {
        "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
    }

    private static func hintLine(_ name: String, _ hint: String?) -> HTML {
        given(hint) { "<span class=\"hint\" id=\"\(name)-hint\">\($0)</span>" }
    }
}

/// The one thing that a page wants its reader to do.
func gate(_ label: String, name: String? = nil, value: String = "") -> HTML {
    let named: HTML = given(name) { " name=\"\($0)\" value=\"\(value)\"" }
    return "<button class=\"gate\"\(named)>\(label)</button>"
}
