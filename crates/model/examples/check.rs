//! Checks a framework file against a fact registry: `check FACTS FRAMEWORK`.
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [facts, framework] = args.as_slice() else { std::process::exit(2) };
    let read = |p: &str| std::fs::read_to_string(p).map_err(|e| format!("{p}: {e}"));
    let run = || -> Result<String, String> {
        let types = bellwether_model::FactTypes::parse(facts, &read(facts)?).map_err(|e| e.to_string())?;
        let text = read(framework)?;
        let map = bellwether_model::framework::Framework::map_name(&text).and_then(|name| {
            std::path::Path::new(framework).parent().and_then(|d| std::fs::read_to_string(d.join(name)).ok())
        });
        let f = bellwether_model::framework::Framework::parse(framework, &text, &types, map.as_deref())
            .map_err(|e| e.to_string())?;
        Ok(format!("ok: {} ids, hash {}", f.ids().len(), f.hash(&types)))
    };
    match run() {
        Ok(line) => writeln(&line, 0),
        Err(line) => writeln(&line, 3),
    }
}

fn writeln(line: &str, code: i32) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
    std::process::exit(code);
}
