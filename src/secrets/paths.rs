//! Files in which nobody looks for keys, by their path.

/// Folders whose contents somebody else wrote, or a tool made.
pub const VENDORED: [&str; 8] =
    ["node_modules", "bower_components", "vendor", "third_party", "jspm_packages", "Pods", "__pycache__", "target"];

/// Endings of files that hold no text, and so no key that could be read.
pub const NO_TEXT: [&str; 52] = [
    "7z", "a", "aab", "aac", "apk", "avi", "bmp", "bson", "bz2", "car", "class", "dll", "doc", "docx", "dylib", "eot",
    "exe", "flac", "gif", "gz", "heic", "icns", "ico", "ipa", "jar", "jpeg", "jpg", "m4a", "mov", "mp3", "mp4", "nib",
    "o", "ogg", "otf", "pdf", "png", "psd", "pyc", "so", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "webm",
    "webp", "woff", "woff2", "zip",
];

/// Whether a file is passed by: it lies in a folder of others, or holds no text.
pub fn is_passed_by(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    folders.split('/').any(|folder| VENDORED.contains(&folder))
        || NO_TEXT.iter().any(|ending| ending.eq_ignore_ascii_case(extension))
}
