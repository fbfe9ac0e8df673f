package programs

// inputs lie in the input folder of every program.
var inputs = map[string]string{
	"page.ps":     "%!PS\n/Helvetica findfont 24 scalefont setfont 72 700 moveto (Invoice 42) show showpage\n",
	"letter.md":   "# Invoice 42\n\nPay *soon*.\n",
	"letter.txt":  "Invoice 42\n\nPay soon.\n",
	"page.html":   "<!doctype html><title>Bill</title><h1>Invoice 42</h1>",
	"table.csv":   "name,amount\nada,40\nbob,2\n",
	"table.json":  `[{"name": "ada", "amount": 40}, {"name": "bob", "amount": 2}]`,
	"table.xml":   `<rows><row name="ada" amount="40"/><row name="bob" amount="2"/></rows>`,
	"sum.xsl":     `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output method="text"/><xsl:template match="/">sum <xsl:value-of select="sum(//@amount)"/></xsl:template></xsl:stylesheet>`,
	"picture.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="red"/><text x="2" y="15">42</text></svg>`,
	"sum.c":       "#include <stdio.h>\nint main(void) { int n = 0; for (int i = 1; i < 9; i++) n += i; printf(\"sum %d\\n\", n + 6); return 0; }\n",
	"Makefile":    "made: a.o b.o\n\tcat a.o b.o >made\n%.o:\n\techo $* made >$@\n",
	"Sum.java": `import java.nio.file.*; import java.util.stream.*;
class Sum { public static void main(String[] a) throws Exception {
  var e = java.util.concurrent.Executors.newFixedThreadPool(2);
  int n = e.submit(() -> IntStream.rangeClosed(1, 8).parallel().sum()).get(); e.shutdown();
  Files.writeString(Path.of("made"), "sum " + (n + 6) + " " + ProcessHandle.current().isAlive());
} }`,
	"go/go.mod":  "module sum\n\ngo 1.21\n",
	"go/main.go": "package main\n\nfunc main() { println(\"sum\", 40+2) }\n",
}

const (
	asText = "pdftotext MADE -"
	toPDF  = `gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile="$TMPDIR/page.pdf" "$1/page.ps"` + "\n"
	toPNG  = `gs -q -dBATCH -dNOPAUSE -sDEVICE=pnggray -r150 -sOutputFile="$TMPDIR/page.png" "$1/page.ps"` + "\n"
)

var documents = []program{
	{
		name: "ocrmypdf", packages: "ocrmypdf poppler-utils", needs: []string{"ocrmypdf", "tesseract", "gs", "pdftotext"}, ten: true,
		script: toPNG + `ocrmypdf --jobs 2 --image-dpi 150 --output-type pdfa "$TMPDIR/page.png" made`,
		read:   asText, want: `Invoice 42`, makes: "a PDF/A whose text can be found, of the picture of a page; with tesseract and ghostscript",
	}, {
		name: "tesseract", packages: "tesseract-ocr ghostscript", needs: []string{"tesseract", "gs"},
		script: toPNG + `tesseract "$TMPDIR/page.png" stdout >made`,
		want:   `Invoice 42`, makes: "the text of a picture",
	}, {
		name: "ghostscript", packages: "ghostscript poppler-utils", needs: []string{"gs", "pdftotext"}, quick: true,
		script: toPDF + `cp "$TMPDIR/page.pdf" made`,
		read:   asText, want: `Invoice 42`, makes: "a PDF of PostScript",
	}, {
		name: "pdftotext", packages: "poppler-utils ghostscript", needs: []string{"pdftotext", "gs"}, ten: true,
		script: toPDF + `pdftotext -layout "$TMPDIR/page.pdf" made; pdfinfo "$TMPDIR/page.pdf" >>made`,
		want:   `(?s)Invoice 42.*Pages: +1`, makes: "the text and the pages of a PDF",
	}, {
		name: "qpdf", packages: "qpdf ghostscript poppler-utils", needs: []string{"qpdf", "gs", "pdftotext"},
		script: toPDF + `qpdf --encrypt u o 256 -- "$TMPDIR/page.pdf" "$TMPDIR/shut.pdf"; qpdf --password=o --decrypt --linearize "$TMPDIR/shut.pdf" made; qpdf --check made`,
		read:   "qpdf --check MADE; " + asText, want: `(?s)File is linearized.*Invoice 42`, makes: "a PDF encrypted and opened again, linearized",
	}, {
		name: "libreoffice --headless", packages: "libreoffice-writer poppler-utils", needs: []string{"soffice", "/usr/lib/libreoffice/program/libswlo.so", "pdftotext"},
		script: `soffice --headless --convert-to odt --outdir "$TMPDIR" "$1/letter.txt"; soffice --headless --convert-to pdf --outdir "$TMPDIR" "$TMPDIR/letter.odt"; mv "$TMPDIR/letter.pdf" made`,
		read:   asText, want: `(?s)Invoice 42.*Pay soon`, makes: "an OpenDocument text, and a PDF of that",
	}, {
		name: "imagemagick", packages: "imagemagick file", needs: []string{"/usr/bin/convert", "file"}, quick: true,
		script: `/usr/bin/convert -size 400x200 xc:white -pointsize 48 -draw "text 20,100 'Invoice 42'" -resize 50% PNG:made`,
		read:   "file -b MADE", want: `PNG image data, 200 x 100`, makes: "a picture with a text, made smaller",
	}, {
		name: "ffmpeg", packages: "ffmpeg", needs: []string{"ffmpeg", "ffprobe"},
		script: `ffmpeg -v error -f lavfi -i testsrc=duration=1:size=160x120:rate=10 -f lavfi -i sine=duration=1 -pix_fmt yuv420p -f mp4 made`,
		read:   "ffprobe -v error -show_entries stream=codec_type,nb_frames -of csv MADE", want: `(?s)video,10.*audio,`, makes: "a film of ten pictures, with sound",
	}, {
		name: "exiftool", packages: "libimage-exiftool-perl imagemagick", needs: []string{"exiftool", "/usr/bin/convert"},
		script: `/usr/bin/convert -size 40x20 xc:red JPEG:made; exiftool -q -overwrite_original -Artist=Ada made; exiftool -s3 -Artist made`,
		read:   "exiftool -s3 -Artist -ImageSize MADE", want: `(?s)Ada\n40x20`, makes: "a picture with its author in it",
	}, {
		name: "pandoc", packages: "pandoc unzip", needs: []string{"pandoc", "unzip"},
		script: `pandoc "$1/letter.md" -o "$TMPDIR/made.docx"; pandoc "$TMPDIR/made.docx" -t html -o "$TMPDIR/made.html"; grep -q "<em>soon</em>" "$TMPDIR/made.html"; mv "$TMPDIR/made.docx" made`,
		read:   "unzip -p MADE word/document.xml", want: `Invoice.*42`, makes: "a Word document of Markdown, and HTML of that",
	}, {
		name: "xsltproc", packages: "xsltproc", needs: []string{"xsltproc"},
		script: `xsltproc -o made "$1/sum.xsl" "$1/table.xml"`,
		want:   `sum 42`, makes: "a sum over XML",
	}, {
		name: "rsvg-convert", packages: "librsvg2-bin file", needs: []string{"rsvg-convert", "file"},
		script: `rsvg-convert -z 2 "$1/picture.svg" -o made`,
		read:   "file -b MADE", want: `PNG image data, 80 x 40`, makes: "a picture of SVG",
	}, {
		name: "wkhtmltopdf", packages: "wkhtmltopdf poppler-utils", needs: []string{"wkhtmltopdf", "pdftotext"},
		script: `QT_QPA_PLATFORM=offscreen wkhtmltopdf -q "$1/page.html" made`,
		read:   asText, want: `Invoice 42`, makes: "a PDF of HTML",
	}, {
		name: "chromium --headless", packages: "chromium poppler-utils", needs: []string{"chromium", "pdftotext"},
		script: `chromium --headless --no-sandbox --disable-gpu --print-to-pdf=made "file://$1/page.html"`,
		read:   asText, want: `Invoice 42`, makes: "a PDF of HTML; `--no-sandbox`, for a flow makes no namespaces",
	},
}
