//! A sound card of the system, through cpal. Its callbacks and the real-time thread share two rings of samples.
//!
//! Not tried with a real card yet: it compiles, and that is all that is known of it.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, Sample, SampleFormat, SizedSample, SupportedStreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::{AudioDevice, DeviceError};
use crate::{BLOCK, RATE, Resampler};

/// Highest rate of a card, Hz: 10 ms of it fit the buffers.
const MAX_RATE: usize = 192_000;
/// Blocks a ring holds.
const RING_BLOCKS: usize = 10;
/// Blocks of the microphone that may wait before the oldest are dropped.
const KEPT_BLOCKS: usize = 4;
/// How long to wait for the card before its microphone counts as silent, in steps of 1 ms.
const PATIENCE: u32 = 40;

/// A sound card, open.
#[derive(Debug)]
pub struct CardDevice {
    microphone: Consumer<i16>,
    speaker: Producer<i16>,
    from_card: Resampler,
    to_card: Resampler,
    heard: Box<[i16]>,
    played: Box<[i16]>,
    /// Dropped to end the thread that holds the streams.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread of the streams tells once they run.
struct Opened {
    microphone: Consumer<i16>,
    speaker: Producer<i16>,
    input_rate: u32,
    output_rate: u32,
}

impl CardDevice {
    /// Opens a card by its name, or the one the system chooses.
    ///
    /// # Errors
    /// If there is none, it is not to be opened, or it has a rate without a small ratio to 48 kHz.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        let name = name.map(str::to_owned);
        let (tell, told) = mpsc::sync_channel(1);
        let (stop, stopped) = mpsc::channel::<()>();
        // Streams may not move between threads on every system: one thread opens them, holds them and drops them.
        let thread =
            std::thread::Builder::new().name("sound-card".into()).spawn(move || match open_streams(name.as_deref()) {
                Ok((streams, opened)) => {
                    let _ = tell.send(Ok(opened));
                    let _ = stopped.recv();
                    drop(streams);
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            });
        let thread = thread.map_err(|error| DeviceError::Card(error.to_string()))?;
        let opened = told.recv().map_err(|_| DeviceError::Card("it could not be opened".into()))??;
        let from_card = Resampler::new(opened.input_rate, RATE)?;
        let to_card = Resampler::new(RATE, opened.output_rate)?;
        Ok(Self {
            heard: vec![0; from_card.input_len()].into(),
            played: vec![0; to_card.output_len()].into(),
            microphone: opened.microphone,
            speaker: opened.speaker,
            from_card,
            to_card,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for CardDevice {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl AudioDevice for CardDevice {
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        if self.speaker.is_abandoned() || self.microphone.is_abandoned() {
            microphone.fill(0);
            return Err(DeviceError::Card("it is gone".into()));
        }
        self.to_card.process(speaker, &mut self.played);
        // What finds no room is dropped: the card has stopped.
        let _ = self.speaker.push_partial_slice(&self.played);
        // The card's own clock sets the pace.
        let mut waited = 0;
        while self.microphone.slots() < self.heard.len() && waited < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
            waited += 1;
        }
        while self.microphone.slots() > KEPT_BLOCKS * self.heard.len() {
            let _ = self.microphone.pop_entire_slice(&mut self.heard);
        }
        if self.microphone.pop_entire_slice(&mut self.heard).is_err() {
            self.heard.fill(0);
        }
        self.from_card.process(&self.heard, microphone);
        Ok(())
    }
}

type Streams = (cpal::Stream, cpal::Stream);

fn open_streams(name: Option<&str>) -> Result<(Streams, Opened), DeviceError> {
    let host = cpal::default_host();
    let none = || DeviceError::Card("there is none".into());
    let (input, output) = match name {
        Some(name) => {
            let called = |device: &cpal::Device| {
                let id = device.id().map(|id| id.to_string()).unwrap_or_default();
                id == name || id.split_once(':').is_some_and(|(_, id)| id == name)
            };
            let device = host.devices().map_err(said)?.find(called).ok_or_else(none)?;
            (device.clone(), device)
        }
        None => (host.default_input_device().ok_or_else(none)?, host.default_output_device().ok_or_else(none)?),
    };
    let input_config = input.default_input_config().map_err(said)?;
    let output_config = output.default_output_config().map_err(said)?;
    let (input_rate, output_rate) = (input_config.sample_rate(), output_config.sample_rate());
    let room = |rate: u32| (rate as usize).min(MAX_RATE) / 100 * RING_BLOCKS;
    let (heard, microphone) = RingBuffer::new(room(input_rate));
    let (speaker, played) = RingBuffer::new(room(output_rate));
    let input = match input_config.sample_format() {
        SampleFormat::I16 => record::<i16>(&input, &input_config, heard),
        SampleFormat::I32 => record::<i32>(&input, &input_config, heard),
        SampleFormat::F32 => record::<f32>(&input, &input_config, heard),
        other => Err(DeviceError::Card(format!("samples of {other} are not understood"))),
    }?;
    let output = match output_config.sample_format() {
        SampleFormat::I16 => play::<i16>(&output, &output_config, played),
        SampleFormat::I32 => play::<i32>(&output, &output_config, played),
        SampleFormat::F32 => play::<f32>(&output, &output_config, played),
        other => Err(DeviceError::Card(format!("samples of {other} are not understood"))),
    }?;
    input.play().map_err(said)?;
    output.play().map_err(said)?;
    Ok(((input, output), Opened { microphone, speaker, input_rate, output_rate }))
}

/// Takes the first channel of what the card hears; what finds no room is dropped.
fn record<T: SizedSample + Send + 'static>(
    device: &cpal::Device,
    config: &SupportedStreamConfig,
    mut ring: Producer<i16>,
) -> Result<cpal::Stream, DeviceError>
where
    i16: FromSample<T>,
{
    let channels = usize::from(config.channels()).max(1);
    let heard = move |data: &[T], _: &cpal::InputCallbackInfo| {
        for sample in data.iter().step_by(channels) {
            let _ = ring.push(i16::from_sample(*sample));
        }
    };
    device.build_input_stream((*config).into(), heard, |_| {}, None).map_err(said)
}

/// Plays the same on all channels; what is missing is silence.
fn play<T: SizedSample + FromSample<i16> + Send + 'static>(
    device: &cpal::Device,
    config: &SupportedStreamConfig,
    mut ring: Consumer<i16>,
) -> Result<cpal::Stream, DeviceError> {
    let channels = usize::from(config.channels()).max(1);
    let played = move |data: &mut [T], _: &cpal::OutputCallbackInfo| {
        for frame in data.chunks_mut(channels) {
            frame.fill(T::from_sample(ring.pop().unwrap_or(0)));
        }
    };
    device.build_output_stream((*config).into(), played, |_| {}, None).map_err(said)
}

fn said(error: impl std::fmt::Display) -> DeviceError {
    DeviceError::Card(error.to_string())
}
