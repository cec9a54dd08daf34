//! Pages and folders of files.

use std::os::unix::fs::symlink;

use super::*;

fn pages(config: &Config) -> Vec<(&str, &str, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    config.site.iter().map(|(path, page)| (path, &*page.mime, text(&page.bytes))).collect()
}

const FILES: &str = "[[files]]\npath = '/static'\nfolder = 'public'\n";

#[test]
fn a_text_that_is_in_no_file_names_none() {
    let bytes = b"[[page]]\npath = '/'\nfile = 'Cargo.toml'\n[[files]]\npath = '/a'\nfolder = '.'";
    let mistakes =
        Loaded::from_bytes("text", bytes, |_| None).map(|loaded| loaded.summary()).unwrap_err();
    let words = "cannot be read, as this configuration is in no file itself";
    assert_eq!(
        lines(&mistakes),
        [
            format!("text:3:8: file: \"Cargo.toml\" {words}"),
            format!("text:6:10: folder: \".\" {words}"),
        ]
    );
    let places: Vec<_> = mistakes.iter().map(|mistake| mistake.place()).collect();
    assert_eq!(places, [Some(27), Some(71)]);
}

#[test]
fn a_page_is_text_or_a_file_beside_the_configuration() {
    let scratch = Scratch::new();
    scratch.write("pages/index.html", "<p>");
    let text = "[[page]]\npath = '/hi'\ntext = 'Hello'\n\
                [[page]]\npath = '/'\nfile = 'pages/index.html'\n\
                [[page]]\npath = '/x/'\nfile = 'pages/index.html'\ntype = 'text/x; a=b'\n";
    let config = scratch.load(text).unwrap();
    assert_eq!(
        pages(&config),
        [
            ("/", "text/html; charset=utf-8", "<p>".to_owned()),
            ("/hi", "text/plain; charset=utf-8", "Hello".to_owned()),
            ("/x/", "text/x; a=b", "<p>".to_owned()),
        ]
    );
}

#[test]
fn a_folder_is_all_its_files_but_for_hidden_ones() {
    let scratch = Scratch::new();
    for name in ["index.html", "a b.js", "sub/index.html", "sub/x", ".hidden", ".git/config"] {
        scratch.write(&format!("public/{name}"), name);
    }
    let config = scratch.load(FILES).unwrap();
    let found = pages(&config);
    let paths: Vec<_> = found.iter().map(|(path, ..)| *path).collect();
    assert_eq!(
        paths,
        [
            "/static",
            "/static/",
            "/static/a b.js",
            "/static/index.html",
            "/static/sub",
            "/static/sub/",
            "/static/sub/index.html",
            "/static/sub/x",
        ]
    );
    assert_eq!(found[5].2, "sub/index.html");
    assert_eq!(found[2].1, "text/javascript; charset=utf-8");
    let root = scratch.load(&FILES.replace("/static", "/")).unwrap();
    let paths: Vec<_> = root.site.iter().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(paths[..3], ["/", "/a b.js", "/index.html"]);
    assert_eq!(config, scratch.load(&FILES.replace("public", "./public/../public/")).unwrap());
}

#[test]
fn links_stay_in_their_folder() {
    let scratch = Scratch::new();
    for name in ["public/..data/a", "public/b", "public-not/c", "secret"] {
        scratch.write(name, name);
    }
    let link = |to: &str, name: &str| symlink(to, scratch.path().join(name)).unwrap();
    // As a cluster mounts what it configures.
    link("..data/a", "public/a");
    link("b", "public/c");
    link("public", "also");
    let config = scratch.load(FILES).unwrap();
    let paths: Vec<_> = config.site.iter().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(paths, ["/static/a", "/static/b", "/static/c"]);
    assert_eq!(scratch.load(&FILES.replace("public", "also")).unwrap(), config);

    link("../secret", "public/out");
    link("../public-not", "public/outer");
    link(".", "public/self");
    link("gone", "public/lost");
    let told = scratch.load(FILES).unwrap_err();
    assert_eq!(
        told,
        [
            "tidegate.toml:3:10: folder: \"public/lost\" cannot be read: \
             No such file or directory (os error 2)",
            "tidegate.toml:3:10: folder: \"public/out\" is a link that leads out of the folder",
            "tidegate.toml:3:10: folder: \"public/outer\" is a link that leads out of the folder",
            "tidegate.toml:3:10: folder: \"public/self\" is a link to a folder that it is in itself",
        ]
    );
}

#[test]
fn pages_say_what_is_wrong_with_them() {
    let scratch = Scratch::new();
    scratch.write("public/events", "x");
    scratch.write("public/index.html", "x");
    for (text, expected) in [
        ("path = '/a'", "1:1: page: has neither text nor file"),
        (
            "path = '/a'\ntext = ''\nfile = 'x'",
            "4:8: file: is beside a text; leave out one of them",
        ),
        ("path = 'a'\ntext = ''", "2:8: path: \"a\" is no path; it begins with a slash"),
        (
            "path = '/a/../b'\ntext = ''",
            "2:8: path: \"/a/../b\" is no path of a page; \
             no segment is empty, . or .., or has control characters",
        ),
        (
            "path = '//'\ntext = ''",
            "2:8: path: \"//\" is no path of a page; \
             no segment is empty, . or .., or has control characters",
        ),
        (
            "path = '/api/x'\ntext = ''",
            "2:8: path: \"/api/x\" is an address of the server itself; choose another",
        ),
        (
            "path = '/a'\ntext = ''\ntype = \"text/x\\r\\nSet-Cookie: a\"",
            "4:8: type: \"text/x\\r\\nSet-Cookie: a\" is no media type; \
             write it like text/html; charset=utf-8",
        ),
        (
            "path = '/a'\nfile = 'gone.html'",
            "3:8: file: \"gone.html\" cannot be read: No such file or directory (os error 2)",
        ),
        (
            "path = '/a'\nfile = 'public'",
            "3:8: file: \"public\" is a folder; serve it by [[files]]",
        ),
        (
            "path = '/a'\nfile = '/dev/null'",
            "3:8: file: \"/dev/null\" is neither a file nor a folder",
        ),
        (
            "path = '/a'\ntext = ''\n[[page]]\npath = '/a'\ntext = ''",
            "5:8: path: \"/a\" is taken by what stands in line 2",
        ),
        (
            "path = '/s'\ntext = ''\n[[files]]\npath = '/s'\nfolder = 'public'",
            "5:8: path: \"/s\" is taken by what stands in line 2",
        ),
        (
            "path = '/s'\ntext = ''\n[[files]]\npath = '/'\nfolder = 'public'",
            "5:8: path: \"/events\" is an address of the server itself; choose another",
        ),
        (
            "path = '/s'\ntext = ''\n[[files]]\npath = '/x'\nfolder = 'public/events'",
            "6:10: folder: \"public/events\" is no folder; serve a single file by [[page]]",
        ),
        (
            "path = '/s'\ntext = ''\n[[files]]\npath = '/x'\nfolder = 'gone'",
            "6:10: folder: \"gone\" cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        let told = scratch.load(&format!("[[page]]\n{text}")).unwrap_err();
        assert_eq!(told, [format!("tidegate.toml:{expected}")], "{text}");
    }
}

#[test]
fn pages_may_have_so_much_together_and_no_more() {
    let scratch = Scratch::new();
    let half = |name: &str, bytes: u64| {
        scratch.write(name, "");
        let file = fs::File::options().write(true).open(scratch.path().join(name)).unwrap();
        // A hole: it takes no room on the disk.
        file.set_len(bytes).unwrap();
    };
    half("public/a", 32 << 20);
    half("public/b", 32 << 20);
    assert_eq!(scratch.load(FILES).unwrap().site.bytes(), 64 << 20);
    for name in ["public/c", "public/d"] {
        half(name, 1);
    }
    assert_eq!(
        scratch.load(FILES).unwrap_err(),
        ["tidegate.toml:3:10: folder: \"public/c\" does not fit any more: \
          all pages may have 64 MiB together"]
    );
    let page = "[[page]]\npath = '/c'\nfile = 'public/c'\n";
    fs::remove_file(scratch.path().join("public/d")).unwrap();
    assert!(scratch.load(page).is_ok());
}

#[test]
fn a_folder_full_of_faults_is_told_in_a_few_lines() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("public")).unwrap();
    for number in 0..100 {
        symlink("/", scratch.path().join(format!("public/{number}"))).unwrap();
    }
    assert_eq!(scratch.load(FILES).unwrap_err().len(), 16);
}

#[test]
fn printed_pages_are_found_from_everywhere() {
    let scratch = Scratch::new();
    scratch.write("public/index.html", "<p>");
    let text = format!(
        "{FILES}[[page]]\npath = '/a'\ntext = \"x\\ny\"\n[[page]]\npath = '/b'\nfile = 'public/index.html'\n"
    );
    let config = scratch.load(&text).unwrap();
    let printed = scratch.print("config", &text);
    assert_eq!(Scratch::new().load(&printed).unwrap(), config, "{printed}");
}
