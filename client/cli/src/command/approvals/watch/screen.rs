//! The queue on a whole terminal.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use codeplane_client::{Client, Error, Screen, v1};
use jiff::Timestamp;
use ratatui::backend::CrosstermBackend;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinSet};

use super::editor;
use super::keys::Keys;
use super::model::{Effect, Model};
use super::source::Source;
use super::view;
use crate::exit::{Exit, Failure};
use crate::os::{self, Keyboard, RawMode};
use crate::output;

/// Alternate screen, empty; what is pasted comes marked as such. Leaving raw mode undoes both.
const BEGIN: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?2004h\x1b[?25l";
/// How often the times on the screen are told anew.
const TICK: Duration = Duration::from_secs(1);

/// Which approval, and how its decision ended.
type Decided = (String, Result<v1::DecideApprovalResponse, Error>);

/// Shows the queue until its user leaves.
pub(super) async fn run(client: Client, mut source: Source) -> Result<Exit, Failure> {
    // What cannot be asked for at all is told where it can be read.
    let mut model = Model::default();
    model.apply(source.begin().await?);
    let mut canvas = Canvas::begin().map_err(cannot_draw)?;
    let mut keyboard = Keyboard::open().map_err(cannot_draw)?;
    let mut resized = signal(SignalKind::window_change()).map_err(cannot_draw)?;
    let mut tick = tokio::time::interval(TICK);
    let mut keys = Keys::default();
    let mut decisions: JoinSet<Decided> = JoinSet::new();
    loop {
        canvas.draw(&mut model).map_err(cannot_draw)?;
        tokio::select! {
            // What was typed was meant for what was drawn, and for nothing that comes in now.
            biased;
            typed = keyboard.next() => {
                let Some(typed) = typed else { return Ok(Exit::Done) };
                for key in keys.read(&typed) {
                    match model.press(key, Instant::now()) {
                        Effect::Nothing => {}
                        Effect::Leave => return Ok(Exit::Done),
                        Effect::Decide(request) => {
                            let client = client.clone();
                            decisions.spawn(async move {
                                (request.approval.clone(), client.decide_approval(request).await)
                            });
                        }
                        Effect::Edit(approval) => canvas.edit(&mut model, *approval)?,
                    }
                }
            }
            Some(done) = decisions.join_next() => tell(&mut model, done),
            change = source.next() => model.apply(change?),
            _ = resized.recv() => {}
            _ = tick.tick() => {}
        }
    }
}

fn tell(model: &mut Model, done: Result<Decided, JoinError>) {
    match done {
        Ok((id, decided)) => {
            model.decided(&id, decided.map_err(|error| output::with_causes(&error)));
        }
        Err(error) => model.notice = format!("cpctl failed within ({error})"),
    }
}

fn cannot_draw(error: io::Error) -> Failure {
    Failure::system("cannot use the terminal")(error)
}

/// The terminal, in raw mode until it is dropped.
struct Canvas {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    raw: RawMode,
}

impl Canvas {
    fn begin() -> io::Result<Self> {
        let raw = RawMode::enter()?;
        Ok(Self { terminal: empty_screen()?, raw })
    }

    fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        let mut drawing = None;
        self.terminal.draw(|frame| {
            drawing = view::draw(model, frame.buffer_mut(), Timestamp::now());
        })?;
        model.drawn(drawing, Instant::now());
        Ok(())
    }

    /// Leaves the terminal to the user's editor.
    fn edit(&mut self, model: &mut Model, approval: v1::Approval) -> Result<(), Failure> {
        self.raw.suspend();
        let edited = editor::edit(&approval.input);
        self.raw.resume().map_err(cannot_draw)?;
        self.terminal = empty_screen().map_err(cannot_draw)?;
        model.edited(approval, edited);
        Ok(())
    }
}

/// The alternate screen, on which nothing is known to be.
fn empty_screen() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    os::shows(Screen::Alternate);
    os::write_stdout(BEGIN)?;
    let options = TerminalOptions { viewport: Viewport::Fullscreen };
    Terminal::with_options(CrosstermBackend::new(Stdout::default()), options)
}

/// Standard output, a whole frame at a time.
#[derive(Debug, Default)]
struct Stdout(Vec<u8>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.0);
        os::write_stdout(&frame)
    }
}
