//! Recognises bots. A bot's events are marked, but stored, counted and delivered like the others. A
//! list of words does this, because a crate of patterns needs a regex engine, which is larger than
//! the whole Worker.

use serde::Deserialize;

/// Words in the `User-Agent` of a bot, in lower case: crawlers, previewers, monitors, headless
/// browsers, HTTP libraries.
const WORDS: [&str; 30] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scrape",
    "headless",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "uptime",
    "monitoring",
    "facebookexternalhit",
    "bingpreview",
    "mediapartners",
    "feedfetcher",
    "validator",
    "archiver",
    "curl/",
    "wget/",
    "python-",
    "python/",
    "go-http-client",
    "libwww-perl",
    "apache-httpclient",
    "scrapy",
];

/// A maker of telephones. Its name ends like a bot's.
const NO_BOT: &str = "cubot";

/// Whether this `User-Agent` is that of a bot.
#[must_use]
pub fn is_agent(user_agent: &str) -> bool {
    let agent = user_agent.to_ascii_lowercase().replace(NO_BOT, "");
    WORDS.iter().any(|word| agent.contains(word))
}

#[derive(Deserialize)]
struct Context {
    webdriver: Option<bool>,
}

/// Whether the context (JSON) of a page shows that a program drives the browser:
/// `navigator.webdriver`.
#[must_use]
pub fn is_driven(context: &str) -> bool {
    // Most contexts lack the word, so they are not parsed.
    context.contains("\"webdriver\"")
        && serde_json::from_str::<Context>(context).is_ok_and(|context| context.webdriver == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agents_of_bots_are_recognised_and_those_of_people_s_browsers_are_not() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
             HeadlessChrome/130.0.0.0 Safari/537.36",
            "facebookexternalhit/1.1",
            "curl/8.5.0",
            "python-requests/2.32",
            "Mozilla/5.0 (compatible; YandexBot/3.0) CUBOT",
        ] {
            assert!(is_agent(agent), "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/130.0.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
             (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/114.0.0.0 Mobile Safari/537.36",
            "okhttp/4.12.0",
            "",
        ] {
            assert!(!is_agent(agent), "{agent}");
        }
    }

    #[test]
    fn a_context_with_webdriver_true_marks_a_driven_browser() {
        assert!(is_driven(r#"{"locale":"en","webdriver":true}"#));
        for context in [r#"{"webdriver":false}"#, r#"{"webdriver":"true"}"#, r#"{"page":{"webdriver":true}}"#, "{}", ""]
        {
            assert!(!is_driven(context), "{context}");
        }
    }
}
