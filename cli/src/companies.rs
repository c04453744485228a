//! `trackmate companies`: the companies of a deployment and their cells, with the operator key.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trackmate_wire::api::Pagination;

use crate::api::Api;
use crate::cells::binding;
use crate::config::{self, Flags};
use crate::error::Error;
use crate::moves::{self, MoveOptions};
use crate::output::Output;
use crate::webhooks::layout::{more, table};

const PATH: &str = "/api/operator/companies";

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the companies.
    List(ListOptions),
    /// Create a company, and show its keys once.
    Create(CreateOptions),
    /// Move a company to another cell, while it works.
    Move(MoveOptions),
    /// Abort the move of a company. Its data are then where they were.
    AbortMove {
        /// The company.
        id: String,
    },
}

#[derive(Args)]
struct ListOptions {
    /// Maximum number of companies.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// The cursor of the previous page.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

#[derive(Args)]
struct CreateOptions {
    /// The name.
    name: String,
    /// The id. By default it is random.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The cell. By default the open one with the fewest bytes in the jurisdiction and region.
    #[arg(long, value_name = "CELL", value_parser = binding)]
    cell: Option<String>,
    /// The jurisdiction, which its data never leave: eu, us or fedramp.
    #[arg(long, value_name = "PLACE")]
    jurisdiction: Option<String>,
    /// The region: wnam, enam, weur, eeur, apac or oc.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

#[derive(Deserialize)]
struct CompanyPage {
    companies: Vec<Company>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Company {
    id: String,
    name: String,
    /// Missing in a deployment of one database.
    cell: Option<String>,
}

pub(crate) fn run(options: Options, flags: &Flags, output: Output) -> Result<(), Error> {
    let api = Api::operator(config::operator(flags)?);
    match options.command {
        Command::List(options) => list(&options, &api, output),
        Command::Create(options) => create(options, &api, output),
        Command::Move(options) => moves::begin(&options, &api, output),
        Command::AbortMove { id } => moves::abort(&id, &api, output),
    }
}

/// `GET /api/operator/companies`
fn list(options: &ListOptions, api: &Api, output: Output) -> Result<(), Error> {
    let limit = options.limit.to_string();
    let query = [("limit", Some(&*limit)), ("cursor", options.cursor.as_deref())];
    output.answer(&api.get(PATH, &query)?, |CompanyPage { companies, pagination }| {
        let heading = ["ID", "Name", "Cell"].map(String::from);
        let row = |Company { id, name, cell }| [id, name, cell.unwrap_or_else(|| "DB".into())];
        let rows = [heading].into_iter().chain(companies.into_iter().map(row)).collect::<Vec<_>>();
        table(&rows, &[]) + &more(&pagination)
    })
}

/// `POST /api/operator/companies`
fn create(options: CreateOptions, api: &Api, output: Output) -> Result<(), Error> {
    let CreateOptions { name, id, cell, jurisdiction, region } = options;
    let fields =
        [("name", Some(name)), ("companyId", id), ("cell", cell), ("jurisdiction", jurisdiction), ("region", region)];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    let body = Value::Object(given.collect::<Map<_, _>>());
    output.answer(&api.post(PATH, &body)?, |answer: Value| {
        let part = |path| answer.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!(
            "Company {} ({})\n  Cell        {}\n  Server key  {}\n  Admin key   {}\n\n\
             Store the keys: they are not shown again.",
            part("/company/name"),
            part("/company/id"),
            part("/company/cell"),
            part("/keys/server/key"),
            part("/keys/admin/key"),
        )
    })
}
