# Copied by oxen-codegen from templates/package/testing/media/make.sh. Do not edit.
# Make the video and audio files that the stand-in returns: run `sh make.sh` in this folder.
# ffmpeg 5 with libx264, libvpx, libmp3lame and libopus made the committed files (Debian: apt-get install ffmpeg).
set -eu

make() {
    ffmpeg -y -loglevel error $1 -map_metadata -1 -fflags +bitexact -flags +bitexact $2
}

picture="-f lavfi -i testsrc2=size=192x108:rate=8:duration=1"
make "$picture" "-c:v libx264 -profile:v baseline -pix_fmt yuv420p -crf 40 \
    -bsf:v filter_units=remove_types=6 -movflags +faststart video.mp4"
make "-i video.mp4" "-c copy video.mov"
make "$picture" "-c:v libvpx-vp9 -pix_fmt yuv420p -crf 55 -b:v 0 video.webm"

tone="-f lavfi -i sine=frequency=330:sample_rate=8000:duration=0.5"
make "$tone" "-c:a pcm_s16le audio.wav"
make "-i audio.wav" "-f s16le audio.pcm"
make "$tone" "-c:a libmp3lame -b:a 16k audio.mp3"
make "$tone" "-c:a libopus -b:a 12k audio.ogg"
