// SPDX-License-Identifier: Apache-2.0

// An independent reader: opens a log's checkpoint with golang.org/x/mod/sumdb/note, rebuilds its root from the
// entries alone and again from the tiles alone with golang.org/x/mod/sumdb/tlog, and proves every entry.
//
//	tlog_reader URL VKEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var base string

func get(path string) []byte {
	response, err := http.Get(base + "/" + path)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		log.Fatalf("%s: status %d, %v", path, response.StatusCode, err)
	}
	return body
}

// tiles reads C2SP tile paths, which leave out the height of Go's own.
type tiles struct{}

func (tiles) Height() int                       { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte)   {}
func (tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		all = append(all, get("tile/"+strings.TrimPrefix(tile.Path(), "tile/8/")))
	}
	return all, nil
}

func entries(size int64) [][]byte {
	var all [][]byte
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := size - bundle*256
		tile := tlog.Tile{H: 8, L: -1, N: bundle, W: 256}
		if width < 256 {
			tile.W = int(width)
		}
		rest := get("tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/data/"))
		for len(rest) > 0 {
			length := int(binary.BigEndian.Uint16(rest))
			all = append(all, rest[2:2+length])
			rest = rest[2+length:]
		}
	}
	return all
}

func main() {
	base = os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(get("checkpoint"), note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		log.Fatalf("the origin is %q", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	var root tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || copy(root[:], bytes) != tlog.HashSize {
		log.Fatal("the root is no hash")
	}

	var stored []tlog.Hash
	memory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	all := entries(size)
	for number, entry := range all {
		hashes, err := tlog.StoredHashes(int64(number), entry, memory)
		if err != nil {
			log.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	rebuilt, err := tlog.TreeHash(int64(len(all)), memory)
	if err != nil || rebuilt != root {
		log.Fatalf("the entries give the root %v, the checkpoint has %v (%v)", rebuilt, root, err)
	}

	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{})
	for number, entry := range all {
		proof, err := tlog.ProveRecord(size, int64(number), reader)
		if err != nil {
			log.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, int64(number), tlog.RecordHash(entry)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("ok %d %v\n", size, root)
}
