//! An OpenAPI description, as far as its words about errors go.

use serde_json::Value;
use std::collections::BTreeSet;

/// The document.
pub(crate) struct Description(Value);

/// One method of one path.
pub(crate) struct Operation<'d> {
    pub(crate) name: String,
    pub(crate) path: &'d str,
    pub(crate) takes_body: bool,
    /// Its responses, nothing in them followed.
    responses: &'d Value,
    document: &'d Value,
}

impl Description {
    pub(crate) fn read(text: &str) -> Description {
        Description(serde_json::from_str(text).expect("JSON"))
    }

    pub(crate) fn version(&self) -> &str {
        self.0["info"]["version"].as_str().expect("a version")
    }

    /// The one called `method path`.
    pub(crate) fn operation(&self, name: &str) -> Operation<'_> {
        self.operations().into_iter().find(|operation| operation.name == name).expect(name)
    }

    pub(crate) fn operations<'d>(&'d self) -> Vec<Operation<'d>> {
        let paths = self.0["paths"].as_object().expect("paths");
        let all = paths.iter().flat_map(|(path, item)| {
            item.as_object().expect("a path").iter().map(move |(method, it)| (path, method, it))
        });
        let operations = all.filter(|(_, _, it)| it.get("responses").is_some());
        let operation = |(path, method, it): (&'d String, &String, &'d Value)| Operation {
            name: format!("{method} {path}"),
            path,
            takes_body: it.get("requestBody").is_some(),
            responses: &it["responses"],
            document: &self.0,
        };
        operations.map(operation).collect()
    }
}

impl<'d> Operation<'d> {
    /// The headers that every response of this status has.
    pub(crate) fn headers_of(&self, status: u16) -> Vec<String> {
        let response = self.follow(&self.responses[status.to_string()]);
        let headers = response["headers"].as_object().into_iter().flatten();
        let required = headers.filter(|(_, header)| self.follow(header)["required"] == true);
        required.map(|(name, _)| name.clone()).collect()
    }

    /// The codes that a problem document of this status may have.
    pub(crate) fn codes_of(&self, status: u16) -> BTreeSet<String> {
        let response = self.follow(&self.responses[status.to_string()]);
        let content = &response["content"]["application/problem+json"];
        let mut codes = BTreeSet::new();
        self.collect(&content["schema"]["properties"]["code"], &mut codes);
        codes
    }

    fn collect(&self, schema: &'d Value, codes: &mut BTreeSet<String>) {
        let schema = self.follow(schema);
        let listed = schema["enum"].as_array().into_iter().flatten();
        codes.extend(listed.filter_map(Value::as_str).map(str::to_owned));
        schema["anyOf"].as_array().into_iter().flatten().for_each(|one| self.collect(one, codes));
    }

    fn follow(&self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(place) => {
                let place = place.strip_prefix('#').expect("a place in this document");
                self.document.pointer(place).expect(place)
            }
            None => value,
        }
    }
}
